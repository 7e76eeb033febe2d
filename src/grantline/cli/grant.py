"""`grantline grant list|show|revoke`: consents as an operator sees and ends them."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, JsonOption, run
from grantline.model.ids import ClientId, ConsentId

if TYPE_CHECKING:
    from grantline.consent import Ending, read
    from grantline.model.consent import State, Version

app = typer.Typer(help="Consents: list them, look at one, end one.", no_args_is_help=True)

ConsentArgument = Annotated[str, typer.Argument(help="The consent's id (grant_id).")]


@app.command("list")
def list_grants(
    data: DataOption = DEFAULT_DATA,
    client: Annotated[str | None, typer.Option(help="Only consents of this client.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 100,
    json: JsonOption = False,
) -> None:
    """List consents, newest first."""
    from grantline.cli.tables import print_json, print_table, when

    states = run(_listed(data, client, limit))
    if json:
        print_json(states)
        return
    rows = [
        (state.consent_id, state.client, state.status.value, str(state.version), when(state.created_at))
        for state in states
    ]
    print_table(("consent", "client", "status", "version", "since"), rows, empty="No consents.")


@app.command("show")
def show(consent: ConsentArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Print one consent with all its versions, and what was passed on from it, as JSON."""
    from grantline.cli.tables import print_json

    state, versions, passed_on = run(_one(data, ConsentId(consent)))
    print_json({"state": state, "versions": versions, "passed_on": passed_on})


@app.command("revoke")
def revoke(
    consent: ConsentArgument,
    why: Annotated[str, typer.Option(help="Why, in words that are kept in the record.")],
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
) -> None:
    """End a consent as its operator. Gateways stop at once; it cannot be undone."""
    ending = run(_revoked(data, config, ConsentId(consent), why))
    if ending.entry is None:
        typer.echo(f"{consent} had ended before ({ending.state.status}).")
    else:
        typer.echo(f"{consent} is {ending.state.status}; gateways learn of it as feed entry {ending.entry.seq}.")


async def _listed(data: Path, client: str | None, limit: int) -> "tuple[State, ...]":
    from grantline.app.state import open_state

    async with open_state(data) as state:
        if client is None:
            return await state.read(lambda tx: tx.consents.latest(limit=limit))
        return await state.read(lambda tx: tx.consents.of_client(ClientId(client), limit=limit))


async def _one(data: Path, consent: ConsentId) -> "tuple[State, tuple[Version, ...], tuple[dict[str, object], ...]]":
    from grantline.app.state import open_state
    from grantline.consent import read
    from grantline.model.errors import NotFound

    async with open_state(data) as state:
        found = await state.read(lambda tx: tx.consents.get(consent))
        if found is None:
            raise NotFound(f"There is no consent {consent}.")
        parts = await state.read(lambda tx: read.descendants(tx, consent=consent))
        return found, await state.read(lambda tx: tx.consents.versions(consent)), tuple(map(_part, parts))


def _part(connection: "read.Connection") -> dict[str, object]:
    """One descendant: whose it is, what it is a part of, whether it still counts."""
    return {
        "consent": connection.consent,
        "part_of": connection.part_of,
        "client": connection.client,
        "passed_on_by": connection.passed_on_by,
        "status": connection.status.value,
        "cause": connection.cause,
    }


async def _revoked(data: Path, config: Path | None, consent: ConsentId, why: str) -> "Ending":
    from grantline.app.state import open_state
    from grantline.consent import Consents
    from grantline.model.clock import SystemClock
    from grantline.settings import load

    consents = Consents(clock=SystemClock(), randomness=secrets.token_bytes, settings=load(config).consents)
    async with open_state(data) as state:
        return await state.write(
            lambda tx: consents.revoke(tx, consent=consent, by="operator", why=why), essential=True
        )
