"""Makes what an instance needs before its processes start: keys, and who may write to the ledger. Idempotent."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grantline.app.places import Places
from grantline.crypto.custody.file import write_private
from grantline.gateway.instance_key import has_instance_key
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.clock import SystemClock
from grantline.model.ids import GatewayId

if TYPE_CHECKING:
    from grantline.authorization.keys import KeySettings
    from grantline.storage.sql.transaction import SqlTransaction

AUTHORITY = "authority"


def prepare(data: Path, keys: "KeySettings | None" = None) -> None:
    """Put the authority among the ledger's producers. `keys`: the settings, for the passphrase of the root key.

    Only the first process of a new instance opens secrets here. Raises `InvalidConfiguration`.
    """
    ledger = LedgerPlaces(data)
    if ledger.producers.exists():
        return
    # The ledger comes here too, and is not to carry what opens secrets when there is nothing to do.
    from grantline.app.root_key import open_root_key
    from grantline.authorization.keys import KeySettings
    from grantline.crypto.custody.own_key import own_key

    places = Places(data)
    producer = own_key(places.producer_key, open_root_key(keys or KeySettings(), places))
    write_private(ledger.producers, msgspec.json.encode({AUTHORITY: producer.public.jwk}))


async def admit(data: Path, gateways: tuple[GatewayId, ...]) -> None:
    """Leave a one-time token for each gateway of this machine that is not enrolled yet."""
    # The ledger makes its keys here too, and is not to carry the state with it.
    from grantline.app.state import open_state

    places = Places(data)
    async with open_state(data, create=True) as state:
        enrolled = {one.gateway for one in await state.read(lambda tx: tx.gateways.enrolments.gateways())}
        for gateway in gateways:
            if gateway in enrolled and has_instance_key(places.gateway(gateway)):
                continue
            token = await state.write(lambda tx, gateway=gateway: gateway_token(tx, gateway))  # type: ignore[misc]
            write_private(places.gateway_token(gateway), token.encode())


async def gateway_token(tx: "SqlTransaction", gateway: GatewayId) -> str:
    """A one-time token by which `gateway` may enrol within half an hour."""
    from grantline.signals import issue_token

    return await issue_token(tx, gateway, SystemClock(), secrets.token_bytes)
