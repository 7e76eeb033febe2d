"""`grantline ledger purge|hold|holds|lift`: let go what is over, and keep what a court may ask for."""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from grantline.cli.inquiry import person_of
from grantline.cli.options import DEFAULT_DATA, DataOption, JsonOption, run

if TYPE_CHECKING:
    from grantline.ledger.client import LedgerClient

T = TypeVar("T")
ReasonOption = Annotated[str, typer.Option(help="Why; it is recorded.")]


def purge(*, json: JsonOption = False, data: DataOption = DEFAULT_DATA) -> None:
    """Let go now of details and entries whose period is over (`ledger.retention`); the ledger does it every hour.

    Months whose details went are listed. Proofs still hold; what a legal hold is about stays.
    """
    from grantline.cli.tables import print_json, print_table

    purges = run(with_ledger(data, lambda ledger: ledger.purge()))
    if json:
        print_json([each._asdict() for each in purges])
        return
    rows = [(each.kind, each.month, f"{each.first} to {each.last - 1}", str(each.rows), each.event) for each in purges]
    print_table(
        ("class", "month", "entries", "details", "event"), rows, empty="Nothing is over, or all of it is on hold."
    )


def hold(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="User name, or id of a person; left out: everything.")
    ] = None,
    *,
    reason: ReasonOption,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Put NAME, or everything, on legal hold: not purged, not pruned, not erased until it is lifted."""
    from grantline.ledger.retention.holds import HoldOrder

    person = None if name is None else run(person_of(data, name))
    order = HoldOrder(by=getpass.getuser(), reason=reason, person=person)
    put = run(with_ledger(data, lambda ledger: ledger.hold(order)))
    typer.echo(f"{name or 'Everything'} is on hold; `grantline ledger lift {put.id}` ends it.")


def list_holds(*, json: JsonOption = False, data: DataOption = DEFAULT_DATA) -> None:
    """List legal holds, lifted ones too."""
    from grantline.cli.tables import print_json, print_table
    from grantline.model.clock import iso

    holds = run(with_ledger(data, lambda ledger: ledger.holds()))
    if json:
        print_json(holds)
        return
    rows = [
        (
            each.id,
            each.person or "everything",
            iso(each.at),
            each.by,
            iso(each.lifted) if each.lifted else "",
            each.reason,
        )
        for each in holds
    ]
    print_table(("hold", "of", "since", "by", "lifted", "reason"), rows, empty="No holds.")


def lift(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD_ID", help="The hold's id.")],
    *,
    reason: ReasonOption,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Lift a legal hold. What is over goes within the hour."""
    from grantline.ledger.retention.holds import LiftOrder

    order = LiftOrder(by=getpass.getuser(), reason=reason, hold=hold_id)
    run(with_ledger(data, lambda ledger: ledger.lift(order)))
    typer.echo(f"{hold_id} is lifted.")


async def with_ledger(data: Path, ask: "Callable[[LedgerClient], Awaitable[T]]") -> T:
    """Ask the running ledger, as the authority does."""
    from grantline.app.own_secrets import ask_ledger

    ledger = ask_ledger(data)
    try:
        return await ask(ledger)
    finally:
        await ledger.close()


COMMANDS = {"purge": purge, "hold": hold, "holds": list_holds, "lift": lift}
