"""The program `grantline`: its commands, and the one place where an error becomes an exit code.

Importing a command file is cheap; whatever is heavy is imported inside the command when it runs.
"""

import os
import sys
from typing import Annotated

import typer

from grantline.cli import clients, gateway, grant, inquiry, keys, ledger, log_key, people, report, retention
from grantline.cli.apply import apply
from grantline.cli.check import check
from grantline.cli.demo import demo
from grantline.cli.explain import explain
from grantline.cli.serve import serve
from grantline.cli.version import print_version
from grantline.cli.witness import witness
from grantline.model.errors import GrantlineError

app = typer.Typer(
    name="grantline",
    help="Delegated access that stands only while its consent does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.command()(serve)
app.command()(apply)
app.command()(check)
app.command()(demo)
app.command()(explain)
app.command()(witness)
for part in (inquiry, report, retention, log_key):
    for name, command in part.COMMANDS.items():
        ledger.app.command(name)(command)
app.add_typer(clients.app, name="clients")
app.add_typer(grant.app, name="grant")
app.add_typer(gateway.app, name="gateway")
app.add_typer(keys.app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(people.app, name="people")


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Delegated access that stands only while its consent does."""


def main() -> None:
    """Run the command. What we refuse becomes one line on stderr and exit code 1; a typing mistake is 2."""
    try:
        app()
    except GrantlineError as error:
        print(f"grantline: {error.message}", file=sys.stderr)
        if error.detail and os.environ.get("GRANTLINE_DETAIL"):
            print(error.detail, file=sys.stderr)
        sys.exit(1)
