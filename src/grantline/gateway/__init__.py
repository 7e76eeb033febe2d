"""Enforcement: read, verify, decide, record, render. Knows consents only by feed and fetch."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.gateway.enforce import Admitted, Gateway, Identity, Refused
    from grantline.gateway.explaining import explain
    from grantline.gateway.process import Front, GatewayPlan, run_gateway
    from grantline.gateway.settings import GatewaySettings
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "Admitted",
    "Front",
    "Gateway",
    "GatewayPlan",
    "GatewaySettings",
    "Identity",
    "Refused",
    "explain",
    "run_gateway",
]
