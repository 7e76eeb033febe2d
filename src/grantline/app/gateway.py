"""A gateway process of this machine: what its settings and the data directory say, as one plan."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from grantline.app.log import set_up_log
from grantline.app.places import Places
from grantline.app.root_key import passphrase
from grantline.gateway.enforce import Identity
from grantline.gateway.minimiser import Address
from grantline.gateway.process import Front, GatewayPlan, run_gateway
from grantline.gateway.shipper import Submit
from grantline.ledger.client import LedgerClient
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import GatewayId
from grantline.settings import FrontSettings, Settings


async def run(settings: Settings, data: Path, ready: Callable[[], None], stop: asyncio.Event, *, gateway: str) -> None:
    """Be this gateway until `stop`."""
    set_up_log(data, f"gateway-{gateway}")
    await run_gateway(plan(settings, data, GatewayId(gateway)), ready, stop)


def plan(settings: Settings, data: Path, gateway: GatewayId) -> GatewayPlan:
    """Everything that tells this gateway from another. Raises `InvalidConfiguration`."""
    issuer = settings.server.issuer or f"http://localhost:{settings.server.port}"
    fronts = tuple(_front(front, Places(data)) for front in settings.fronts if front.gateway == gateway)
    if not fronts:
        raise InvalidConfiguration(f'$.fronts: no table has gateway = "{gateway}"')
    return GatewayPlan(
        name=gateway,
        folder=Places(data).gateway(gateway),
        issuer=issuer,
        fronts=fronts,
        submit=submitting(LedgerPlaces(data).ledger_socket),
        settings=settings.gateway,
        minimiser=settings.minimiser,
        passphrase=passphrase(settings.keys),
    )


def submitting(socket: Path) -> Callable[[Identity], Submit]:
    """Events go to the ledger's socket, under the gateway's own name and key."""

    def connect(identity: Identity) -> Submit:
        return LedgerClient(socket, identity.name, identity.key).submit

    return connect


def _front(front: FrontSettings, places: Places) -> Front:
    upstream = urlsplit(front.upstream)
    if upstream.scheme not in {"http", "https"} or upstream.hostname is None:
        raise InvalidConfiguration(f"$.fronts: upstream {front.upstream!r} is not an address such as http://host:8080")
    port = upstream.port or (443 if upstream.scheme == "https" else 80)
    return Front(
        front.api,
        front.base,
        places.decision_socket(front.api),
        places.minimiser_socket(front.api),
        Address(upstream.hostname, port, upstream.scheme),
    )
