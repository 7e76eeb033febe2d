"""`grantline apply -f FILE` makes an instance what the file declares. Applying it again changes nothing."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run

if TYPE_CHECKING:
    from grantline.app.state import State
    from grantline.catalog import Catalog
    from grantline.cli.declaration import Declaration
    from grantline.model.clock import Clock


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="TOML file that declares clients, people, catalog.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make the instance what FILE declares: clients, people, the catalog. Idempotent; a mistake names its path."""
    from grantline.cli.declaration import read_declaration

    declaration = read_declaration(file)
    for line in run(apply_to(data, declaration)):
        typer.echo(line)


async def apply_to(data: Path, declaration: "Declaration") -> list[str]:
    """One line for each thing declared: added, changed or unchanged."""
    from grantline.app.state import open_state
    from grantline.identity import Hashing, declare
    from grantline.model.clock import SystemClock
    from grantline.parties import upsert

    clock = SystemClock()
    said: list[str] = []
    async with open_state(data, create=True) as state:
        if declaration.catalog is not None:
            changed = await _keep_catalog(state, data, declaration.catalog, declaration.catalog_text, clock)
            said.append(f"catalog {'changed' if changed else 'unchanged'}")
        for client in declaration.clients:
            change = await state.write(lambda tx, client=client: upsert(tx, client, clock, secrets.token_bytes))  # type: ignore[misc]
            said.append(f"client {client.id} {change}")
        hashing = Hashing()
        for person in declaration.people:
            _, changed = await declare(state, hashing, person, clock)
            said.append(f"person {person.username} {'changed' if changed else 'unchanged'}")
    return said


async def _keep_catalog(state: "State", data: Path, catalog: "Catalog", text: bytes, clock: "Clock") -> bool:
    """Put the catalog where the authority reads it; the record says which one holds from now on."""
    from grantline.app.places import Places
    from grantline.crypto.custody.file import write_private
    from grantline.model.events import Event, EventType
    from grantline.model.ids import event_id

    place = Places(data).catalog
    if place.exists() and place.read_bytes() == text:
        return False
    now_us = clock.wall_us()
    event = Event(
        event_id=event_id(secrets.token_bytes, now_us),
        type=EventType.CATALOG_CHANGED,
        t=now_us,
        act="change",
        res="catalog",
        out="permit",
        detail={"hash": catalog.hash},
    )
    await state.write(lambda tx: tx.outbox.append(event))
    write_private(place, text)
    return True
