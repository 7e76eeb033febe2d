"""Makes what an instance needs before its processes start: keys, and who may write to the ledger. Idempotent."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grantline.app.places import Places
from grantline.crypto.custody.file import load_or_create_signing_key, write_private
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.clock import SystemClock
from grantline.model.ids import GatewayId

if TYPE_CHECKING:
    from grantline.storage.sql.transaction import SqlTransaction

AUTHORITY = "authority"


def prepare(data: Path) -> None:
    """Keys of the authority, and its name among the ledger's producers."""
    places, ledger = Places(data), LedgerPlaces(data)
    producer = load_or_create_signing_key(places.producer_key)
    for key in (places.pairwise_key, places.identity_key):
        if not key.exists():
            write_private(key, secrets.token_bytes(32))
    if not ledger.producers.exists():
        write_private(ledger.producers, msgspec.json.encode({AUTHORITY: producer.public.jwk}))


async def admit(data: Path, gateways: tuple[GatewayId, ...]) -> None:
    """Leave a one-time token for each gateway of this machine that is not enrolled yet."""
    # The ledger makes its keys here too, and is not to carry the state with it.
    from grantline.app.state import open_state

    places = Places(data)
    async with open_state(data, create=True) as state:
        enrolled = {one.gateway for one in await state.read(lambda tx: tx.gateways.enrolments.gateways())}
        for gateway in gateways:
            if gateway in enrolled and (places.gateway(gateway) / "instance.pem").exists():
                continue
            token = await state.write(lambda tx, gateway=gateway: gateway_token(tx, gateway))  # type: ignore[misc]
            write_private(places.gateway_token(gateway), token.encode())


async def gateway_token(tx: "SqlTransaction", gateway: GatewayId) -> str:
    """A one-time token by which `gateway` may enrol within half an hour."""
    from grantline.signals import issue_token

    return await issue_token(tx, gateway, SystemClock(), secrets.token_bytes)
