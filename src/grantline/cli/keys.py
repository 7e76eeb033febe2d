"""`grantline keys list|rotate|compromised`: the keys that sign, and what to do when one was stolen."""

from typing import Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, JsonOption, run

app = typer.Typer(help="Signing keys: list them, rotate early, cut off a stolen one.", no_args_is_help=True)


@app.command("list")
def list_keys(data: DataOption = DEFAULT_DATA, json: JsonOption = False) -> None:
    """List signing keys with their states, oldest first; public halves with --json."""
    from grantline.app.key_commands import listed
    from grantline.cli.tables import print_json, print_table, when

    rows = run(listed(data))
    if json:
        print_json(rows)
        return
    cells = [
        (
            row.kid,
            row.alg,
            "compromised" if row.compromised else row.state.value,
            when(row.gone_at or row.retired_at or row.active_at or row.published_at),
            row.custody,
        )
        for row in rows
    ]
    print_table(("kid", "alg", "state", "since", "custody"), cells, empty="No keys yet; grantline serve makes them.")


@app.command("rotate")
def rotate(
    alg: Annotated[str | None, typer.Option(help="Only the key of this algorithm.")] = None,
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
) -> None:
    """Publish the next keys now. Each signs once everybody has it; nothing is refused meanwhile."""
    from grantline.app.key_commands import rotated, signs_from
    from grantline.app.keys import terms_of
    from grantline.cli.tables import when
    from grantline.settings import load

    settings = load(config)
    for row in run(rotated(data, settings, alg)):
        soonest = when(signs_from(row, terms_of(settings)))
        typer.echo(f"{row.alg}: {row.kid} is published; it signs from {soonest} UTC on, once every gateway has it.")


# One id in 64 begins with a hyphen.
@app.command("compromised", context_settings={"ignore_unknown_options": True})
def compromised(
    kid: Annotated[str, typer.Argument(help="The key's id, as in the header of what it signed.")],
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
) -> None:
    """Cut off KID at once: it signs no more, everything it signed is refused, another key takes its place.

    Apps get 401 for their tokens and fetch new ones; nobody has to consent or sign in again. It cannot be undone.
    """
    from grantline.app.key_commands import compromised as cut_off
    from grantline.settings import load

    done = run(cut_off(data, load(config), kid))
    typer.echo(f"{done.kid} is cut off: whatever it signed is refused by every gateway and by this authority.")
    if done.signs is not None:
        typer.echo(f"{done.signs} signs {done.alg} in its place.")
