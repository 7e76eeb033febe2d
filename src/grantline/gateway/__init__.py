"""Enforcement: read, verify, decide, record, render. Knows consents only by feed and fetch."""

from grantline.gateway.enforce import Admitted, Gateway, Identity, Refused
from grantline.gateway.explain import explain
from grantline.gateway.process import Front, GatewayPlan, run_gateway
from grantline.gateway.settings import GatewaySettings

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
