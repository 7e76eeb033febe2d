"""`grantline clients …`: who is registered, who may register itself, who is stopped; and secrets."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run

if TYPE_CHECKING:
    from grantline.app.state import State
    from grantline.parties import Client
    from grantline.storage.sql.transaction import SqlTransaction

app = typer.Typer(no_args_is_help=True, help="Clients: list, stop, let register themselves; their secrets.")


@app.callback()
def clients() -> None:
    """Clients: list, stop, let register themselves; their secrets."""


@app.command("list")
def list_clients(data: DataOption = DEFAULT_DATA) -> None:
    """List clients: id, name, how each came (declared, registered, document), and its standing."""
    for row in run(_listed(data)):
        typer.echo("\t".join(row))


@app.command("stop")
def stop(client: Annotated[str, typer.Argument(help="Id of the client.")], data: DataOption = DEFAULT_DATA) -> None:
    """Stop CLIENT: its tokens end at every gateway, and its own registration token counts no more."""
    run(_stopped(data, client))
    typer.echo(f"{client} is stopped.")


@app.command("start")
def start(client: Annotated[str, typer.Argument(help="Id of the client.")], data: DataOption = DEFAULT_DATA) -> None:
    """Let CLIENT act again. Tokens that ended stay ended."""
    run(_started(data, client))
    typer.echo(f"{client} may act again.")


@app.command("initial-token")
def initial_token(
    scope: Annotated[list[str], typer.Option("--scope", help="A scope that the client may register for; repeat it.")],
    data: DataOption = DEFAULT_DATA,
    *,
    uses: Annotated[int, typer.Option(min=1, max=10_000, help="How many clients may register with it.")] = 1,
    hours: Annotated[int, typer.Option(min=1, max=8_760, help="How long it counts.")] = 24,
    grant: Annotated[list[str] | None, typer.Option("--grant", help="A grant type; repeat it.")] = None,
    method: Annotated[list[str] | None, typer.Option("--auth", help="A way to prove itself; repeat it.")] = None,
    profile: Annotated[str, typer.Option(help="Rules on top of OAuth 2.1.")] = "oauth21",
) -> None:
    """Print an initial access token by which clients may register themselves (RFC 7591), this once.

    What it names is the most that they may register for, then and later. Registering has to be on:
    `registration.dynamic`.
    """
    typer.echo(run(_initial(data, scope, grant, method, profile, uses=uses, hours=hours)))


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


async def _listed(data: Path) -> list[tuple[str, str, str, str]]:
    from grantline.app.state import open_state

    async with open_state(data) as state:
        found = await state.read(lambda tx: tx.clients.all())
    return [(one.id, one.name, one.origin.value, one.status.value) for one in found]


async def _stopped(data: Path, client: str) -> None:
    from grantline.app.state import open_state
    from grantline.model.clock import SystemClock
    from grantline.parties import Registrar, registering

    by = Registrar(SystemClock(), secrets.token_bytes, 0)

    async def unit(tx: "SqlTransaction") -> None:
        await registering.stop(tx, by, await _known(tx, client))

    async with open_state(data) as state:
        await state.write(unit)


async def _started(data: Path, client: str) -> None:
    import msgspec

    from grantline.app.state import open_state
    from grantline.model.clock import SystemClock
    from grantline.parties import Standing, upsert

    async def unit(tx: "SqlTransaction") -> None:
        active = msgspec.structs.replace(await _known(tx, client), status=Standing.ACTIVE)
        await upsert(tx, active, SystemClock(), secrets.token_bytes)

    async with open_state(data) as state:
        await state.write(unit)


async def _known(tx: "SqlTransaction", client: str) -> "Client":
    from grantline.model.errors import InvalidConfiguration
    from grantline.model.ids import ClientId

    found = await tx.clients.get(ClientId(client))
    if found is None:
        raise InvalidConfiguration(f"There is no client {client}.")
    return found


async def _initial(
    data: Path, scopes: list[str], grants: list[str] | None, methods: list[str] | None, profile: str, *, uses: int,
    hours: int,
) -> str:  # fmt: skip
    import msgspec

    from grantline.app.state import open_state
    from grantline.model.clock import SystemClock
    from grantline.model.errors import InvalidConfiguration
    from grantline.parties import GRANT_TYPES, RegistrationPolicy, registering

    said = {"scopes": scopes, "grants": grants, "methods": methods, "profile": profile}
    try:
        policy = msgspec.convert({name: one for name, one in said.items() if one is not None}, RegistrationPolicy)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(f"The token cannot be for that: {error}.") from error
    unknown = set(policy.grants) - GRANT_TYPES
    if unknown:
        raise InvalidConfiguration(f"There is no grant type {min(unknown)}.")
    until = SystemClock().wall_us() // 1_000_000 + hours * 3_600
    async with open_state(data) as state:
        return await state.write(
            lambda tx: registering.initial_token(
                tx, policy, uses=uses, expires_at=until, randomness=secrets.token_bytes
            )
        )
