"""`grantline clients …`: secrets of registered clients."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run

if TYPE_CHECKING:
    from grantline.app.state import State

app = typer.Typer(no_args_is_help=True, help="Clients: their secrets.")


@app.callback()
def clients() -> None:
    """Clients: their secrets."""


@app.command("secret")
def secret(
    client: Annotated[str, typer.Argument(help="Id of a registered client.")],
    data: DataOption = DEFAULT_DATA,
    alone: Annotated[
        bool, typer.Option("--alone", help="End every earlier secret now, for one that somebody else has seen.")
    ] = False,
) -> None:
    """Make a new secret for CLIENT and print it, this once. The last one stays good until the next is made."""
    made, before = run(_made(data, client, alone))
    typer.echo(made)
    if before and not alone:
        typer.echo("The secret before it is still good. Once the client uses the new one: --alone.", err=True)


async def _made(data: Path, client: str, alone: bool) -> tuple[str, bool]:
    from grantline.app.state import open_state

    async with open_state(data) as state:
        return await _with_new_secret(state, client, alone)


async def _with_new_secret(state: "State", client: str, alone: bool) -> tuple[str, bool]:
    """The secret, and whether there was one before."""
    from grantline.model.clock import SystemClock
    from grantline.model.errors import InvalidConfiguration
    from grantline.model.ids import ClientId
    from grantline.parties import upsert, with_new_secret
    from grantline.storage.sql.transaction import SqlTransaction

    async def unit(tx: SqlTransaction) -> tuple[str, bool]:
        found = await tx.clients.get(ClientId(client))
        if found is None:
            raise InvalidConfiguration(f"There is no client {client}; declare it with grantline apply.")
        changed, made = with_new_secret(found, secrets.token_bytes, alone=alone)
        await upsert(tx, changed, SystemClock(), secrets.token_bytes)
        return made, bool(found.secret_hashes)

    return await state.write(unit)
