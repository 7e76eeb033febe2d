"""`grantline ledger rotate-key`: a new key for the checkpoints."""

import getpass
from typing import Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run
from grantline.cli.retention import with_ledger


def rotate_key(
    *,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    at_once: Annotated[
        bool, typer.Option("--at-once", help="The key before signs nothing more: it may be in other hands.")
    ] = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Give the log a new checkpoint key. The one before signs beside it for 30 days, and is destroyed then.

    Tell the new key to auditors and witnesses; it stands in the log, in `log.vkey` and in `keys.json`.
    """
    from grantline.ledger.rotation import RotateOrder

    order = RotateOrder(by=getpass.getuser(), reason=reason, at_once=at_once)
    term = run(with_ledger(data, lambda ledger: ledger.rotate_key(order)))
    typer.echo(term.vkey)
    typer.echo("The key before signs nothing more." if at_once else "The key before signs beside it for 30 days.")


COMMANDS = {"rotate-key": rotate_key}
