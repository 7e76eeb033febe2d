"""`grantline people …`: who can sign in and how, and help for those who cannot any more."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, run

if TYPE_CHECKING:
    from grantline.app.state import State
    from grantline.identity import Methods, PersonRow

app = typer.Typer(no_args_is_help=True, help="People: how they sign in, and links for a new password.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The person's user name.")]


@app.command("methods")
def methods(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """List the ways in which NAME signs in: kind, name, since when."""
    from grantline.cli.tables import print_table, when

    held = run(_methods(data, name))
    rows = [("password", "", "")] if held.password else []
    rows += [("passkey", each.name, when(each.made_at)) for each in held.passkeys]
    if held.totp_since is not None:
        rows.append(("app for codes", "", when(held.totp_since)))
    if held.recovery is not None:
        rows.append(("recovery codes", f"{held.recovery} left", ""))
    rows += [("other provider", each.issuer, when(each.made_at)) for each in held.links]
    print_table(("method", "name", "since"), rows, empty=f"{name} cannot sign in yet.")


@app.command("reset-link")
def reset_link(
    name: NameArgument,
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
    forget_second_factor: Annotated[
        bool,
        typer.Option("--forget-second-factor", help="Take away passkeys, app and recovery codes, if all are lost."),
    ] = False,
) -> None:
    """Print a one-time link, good for half an hour, by which NAME chooses a new password.

    Give it to the person themselves. Whoever has a second factor still passes it, unless it is taken away.
    """
    from grantline.settings import load

    settings = load(config)
    token = run(_token(data, name, forget_second_factor))
    issuer = settings.server.issuer or f"http://localhost:{settings.server.port}"
    typer.echo(f"{issuer}/enrol/{token}")


@app.command("lock")
def lock(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Let nobody in as NAME: sessions and refresh tokens end, and apps can ask nothing. Consents stay as they are."""
    changed = run(_lock(data, name))
    typer.echo(f"{name} is locked." if changed else f"{name} was locked before.")


@app.command("unlock")
def unlock(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Let NAME in again; what ended does not begin anew."""
    changed = run(_unlock(data, name))
    typer.echo(f"{name} is unlocked." if changed else f"{name} was not locked.")


async def _lock(data: Path, name: str) -> bool:
    from grantline.app.state import open_state
    from grantline.authorization import LOCKED, EndsWithPassword
    from grantline.identity import lock
    from grantline.model.clock import SystemClock

    clock = SystemClock()
    ends = EndsWithPassword(clock, why=LOCKED)
    async with open_state(data) as state:
        person = await _person(state, name)
        return await state.write(
            lambda tx: lock(tx, person, clock, secrets.token_bytes, also_ends=ends), essential=True
        )


async def _unlock(data: Path, name: str) -> bool:
    from grantline.app.state import open_state
    from grantline.identity import unlock
    from grantline.model.clock import SystemClock

    async with open_state(data) as state:
        person = await _person(state, name)
        return await state.write(lambda tx: unlock(tx, person, SystemClock(), secrets.token_bytes))


async def _person(state: "State", name: str) -> "PersonRow":
    from grantline.model.errors import NotFound

    person = await state.read(lambda tx: tx.people.by_username(name.casefold()))
    if person is None:
        raise NotFound(f"There is nobody called {name}.")
    return person


async def _methods(data: Path, name: str) -> "Methods":
    from grantline.app.state import open_state
    from grantline.identity import methods_of

    async with open_state(data) as state:
        person = await _person(state, name)
        return await state.read(lambda tx: methods_of(tx, person.id))


async def _token(data: Path, name: str, forget: bool) -> str:
    from grantline.app.state import open_state
    from grantline.identity import Admission, Enrolment, Hashing, Sessions, forget_second_factors
    from grantline.model.clock import SystemClock

    clock = SystemClock()
    async with open_state(data) as state:
        person = await _person(state, name)
        sessions = Sessions(state, clock)
        if forget:
            admission = Admission(sessions, clock, secrets.token_bytes)
            await state.write(lambda tx: forget_second_factors(tx, admission, person.id))
        return await Enrolment(state, sessions, Hashing(), clock).link_for(person.id)
