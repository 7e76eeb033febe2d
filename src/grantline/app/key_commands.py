"""What an operator does to signing keys, from any process: the authority that runs finds it within a quarter second."""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grantline.app.duties import duties
from grantline.app.keys import open_custodies, terms_of
from grantline.app.places import Places
from grantline.app.privileges import acting_as
from grantline.app.root_key import open_root_key
from grantline.app.state import State, open_state
from grantline.authorization.keys import Changes, KeyRow, KeyState, Overtaken, Terms, the
from grantline.crypto.custody.backend import Custody
from grantline.crypto.signing import SigningKey
from grantline.model.clock import Clock, SystemClock
from grantline.model.errors import Conflict, InvalidConfiguration, NotFound
from grantline.settings import Settings

ATTEMPTS = 5
"""How often a command is tried against an authority that changes the same keys at the same moment."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a compromised key. `signs`: the kid that signs in its place; None: it did not sign."""

    kid: str
    alg: str
    signs: str | None


async def listed(data: Path) -> tuple[KeyRow, ...]:
    """Every key, oldest first."""
    async with open_state(data) as state:
        return await state.read(lambda tx: tx.signing_keys.all())


async def rotated(data: Path, settings: Settings, alg: str | None, clock: Clock | None = None) -> tuple[KeyRow, ...]:
    """Publish the next key of this algorithm, or of each that signs, before its time; those waiting now are returned.

    Raises `NotFound` for an algorithm that nothing signs with.
    """
    with acting_as(duties(data, settings.ledger.signer_user).others):
        terms, custody = terms_of(settings), _custodies(data, settings)[0]
        changes = Changes(clock or SystemClock(), secrets.token_bytes, terms.verify_for)
        async with open_state(data) as state:
            for one in await _signing(state, alg):
                with suppress(Overtaken):
                    await _publish(state, changes, custody, one)
            rows = await state.read(lambda tx: tx.signing_keys.all())
    return tuple(row for row in rows if row.state is KeyState.PUBLISHED and alg in (None, row.alg))


async def compromised(data: Path, settings: Settings, kid: str, clock: Clock | None = None) -> Replaced:
    """Cut a key off and let another sign in its place, in one transaction. Raises `NotFound`, `Conflict`."""
    with acting_as(duties(data, settings.ledger.signer_user).others):
        custodies = _custodies(data, settings)
        changes = Changes(clock or SystemClock(), secrets.token_bytes, terms_of(settings).verify_for)
        async with open_state(data) as state:
            for _ in range(ATTEMPTS):
                with suppress(Overtaken):
                    return await _replace(state, changes, custodies, kid)
    raise Conflict(f"Key {kid} is being changed by another process; run the command again.")


def signs_from(row: KeyRow, terms: Terms) -> int:
    """Unix seconds from which a published key may sign."""
    return row.published_at + terms.publish_for


def _custodies(data: Path, settings: Settings) -> tuple[Custody, ...]:
    places = Places(data)
    if not places.root_key.exists():
        raise InvalidConfiguration(f"{data} has no keys yet; grantline serve makes them.")
    return open_custodies(settings.keys, places, open_root_key(settings.keys, places))


async def _signing(state: State, alg: str | None) -> list[str]:
    """Algorithms that sign and have no key waiting."""
    rows = await state.read(lambda tx: tx.signing_keys.all())
    active = [row.alg for row in rows if row.state is KeyState.ACTIVE and alg in (None, row.alg)]
    if not active:
        raise NotFound(
            f"Nothing signs with {alg}." if alg else "There is no signing key yet; grantline serve makes one."
        )
    return [one for one in active if the(rows, one, KeyState.PUBLISHED) is None]


async def _publish(state: State, changes: Changes, custody: Custody, alg: str) -> None:
    key = await asyncio.to_thread(custody.create, alg)
    try:
        await state.write(lambda tx: changes.publish(tx, key, custody.name))
    except Overtaken:
        await asyncio.to_thread(custody.destroy, key.public.kid)
        raise


async def _replace(state: State, changes: Changes, custodies: tuple[Custody, ...], kid: str) -> Replaced:
    rows = await state.read(lambda tx: tx.signing_keys.all())
    key = next((row for row in rows if row.kid == kid), None)
    if key is None:
        raise NotFound(f"There is no signing key {kid}; grantline keys list shows them.")
    fresh, making = await _successor(rows, key, custodies[0]), custodies[0]
    try:
        signs = await state.write(lambda tx: changes.compromised(tx, kid, fresh, making.name), essential=True)
    except (Overtaken, Conflict):
        if fresh is not None:
            await asyncio.to_thread(making.destroy, fresh.public.kid)
        raise
    for custody in custodies:
        if custody.name == key.custody:
            await asyncio.to_thread(custody.destroy, kid)
    return Replaced(kid, key.alg, None if signs is None else signs.kid)


async def _successor(rows: tuple[KeyRow, ...], key: KeyRow, making: Custody) -> SigningKey | None:
    """A fresh key where a key that signs has none waiting behind it."""
    if key.state is not KeyState.ACTIVE or the(rows, key.alg, KeyState.PUBLISHED) is not None:
        return None
    return await asyncio.to_thread(making.create, key.alg)
