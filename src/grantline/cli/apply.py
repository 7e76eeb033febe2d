"""`grantline apply -f FILE` makes an instance what the file declares. Applying it again changes nothing."""

import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.delegating import give_and_trust, require_fitting
from grantline.cli.names import require_known
from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, run
from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.app.state import State
    from grantline.catalog import Catalog
    from grantline.cli.declaration import Declaration
    from grantline.model.clock import Clock
    from grantline.model.events import Event, EventType
    from grantline.settings import Settings


def apply(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="TOML file that declares clients, people, catalog, policy.")
    ],
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
) -> None:
    """Make the instance what FILE declares: clients, people, catalog, policy. Idempotent; a mistake names its path."""
    from grantline.cli.declaration import read_declaration

    declaration = read_declaration(file)
    for line in run(apply_to(data, declaration, config)):
        typer.echo(line)


async def apply_to(data: Path, declaration: "Declaration", config: Path | None = None) -> list[str]:
    """One line for each thing declared: added, changed or unchanged."""
    from grantline.app.duties import duties
    from grantline.app.privileges import acting_as
    from grantline.model.clock import SystemClock
    from grantline.settings import load

    clock = SystemClock()
    _require_one_whole(data, declaration)
    # Root may apply to an instance that runs as somebody else, who has to be able to read what comes of it.
    with acting_as(duties(data, "").others):
        return await _apply(data, declaration, load(config), clock)


async def _apply(data: Path, declaration: "Declaration", settings: "Settings", clock: "Clock") -> list[str]:
    from grantline.app.state import open_state
    from grantline.authorization import EndsWithPassword
    from grantline.identity import Hashing, declare
    from grantline.parties import upsert, warnings

    said: list[str] = []
    async with open_state(data, create=True, storage=settings.storage) as state:
        if declaration.policy is not None:
            changed = await _keep_policy(state, data, declaration.policy, clock)
            said.append(f"policy {'changed' if changed else 'unchanged'}")
        if declaration.catalog is not None:
            changed = await _keep_catalog(state, data, declaration.catalog, declaration.catalog_text, clock)
            said.append(f"catalog {'changed' if changed else 'unchanged'}")
        for client in declaration.clients:
            change = await state.write(lambda tx, client=client: upsert(tx, client, clock, secrets.token_bytes))  # type: ignore[misc]
            said.append(f"client {client.id} {change}")
            said += [f"warning: client {client.id}: {warning}" for warning in warnings(client)]
        catalog = _catalog_for(data, declaration)
        hashing, ends = Hashing(), EndsWithPassword(clock, settings=settings.authorization)
        for person in declaration.people:
            _, changed = await declare(state, hashing, person, clock, also_ends=ends)
            said.append(f"person {person.username} {'changed' if changed else 'unchanged'}")
        said += await give_and_trust(state, catalog, declaration, clock, settings)
    return said


def _catalog_for(data: Path, declaration: "Declaration") -> "Catalog | None":
    """The catalog that will hold: the declared one, else the one that is there."""
    from grantline.app.places import Places
    from grantline.catalog import load_catalog

    place = Places(data).catalog
    if declaration.catalog is None and place.exists():
        return load_catalog(place)
    return declaration.catalog


def _require_one_whole(data: Path, declaration: "Declaration") -> None:
    """Policy, clients and people have to fit the catalog that will hold; `InvalidConfiguration` before any change.

    Either may be declared alone: then it meets the one that is there.
    """
    from grantline.app.places import Places
    from grantline.app.rules import decider_for
    from grantline.model.clock import SystemClock

    places = Places(data)
    catalog, policy = _catalog_for(data, declaration), declaration.policy
    require_fitting(catalog, declaration, SystemClock())
    if catalog is not None:
        require_known(catalog, declaration)
    if policy is None and places.policy.exists():
        policy = places.policy.read_text(encoding="utf-8")
    if policy is None:
        return
    if catalog is None:
        raise InvalidConfiguration("$.policy: a policy speaks about a catalog; declare one with it")
    try:
        decider_for(catalog, (policy,))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"$.policy: {error.message}") from error


async def _keep_policy(state: "State", data: Path, policy: str, clock: "Clock") -> bool:
    """Put the policies where the authority reads them."""
    from grantline.app.places import Places
    from grantline.model.events import EventType

    text = policy.encode()
    changed = _event(EventType.POLICY_CHANGED, "policy", hashlib.sha256(text).hexdigest(), clock)
    return await _keep(state, Places(data).policy, text, changed)


async def _keep_catalog(state: "State", data: Path, catalog: "Catalog", text: bytes, clock: "Clock") -> bool:
    """Put the catalog where the authority reads it."""
    from grantline.app.places import Places
    from grantline.model.events import EventType

    changed = _event(EventType.CATALOG_CHANGED, "catalog", catalog.hash, clock)
    return await _keep(state, Places(data).catalog, text, changed)


async def _keep(state: "State", place: Path, text: bytes, changed: "Event") -> bool:
    """Put a file at its place if it is another; the record says which one holds from now on."""
    from grantline.crypto.custody.file import write_private

    if _holds(place, text):
        return False
    await state.write(lambda tx: tx.outbox.append(changed))
    write_private(place, text)
    return True


def _holds(place: Path, text: bytes) -> bool:
    return place.exists() and place.read_bytes() == text


def _event(kind: "EventType", what: str, digest: str, clock: "Clock") -> "Event":
    from grantline.model.events import Event
    from grantline.model.ids import event_id

    now_us = clock.wall_us()
    return Event(
        event_id=event_id(secrets.token_bytes, now_us),
        type=kind,
        t=now_us,
        act="change",
        res=what,
        out="permit",
        detail={"hash": digest},
    )
