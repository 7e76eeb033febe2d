"""`grantline ledger report`: what a controller, an assessor or a person is owed, each under a checkpoint."""

import getpass
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.inquiry import SinceOption, UntilOption, ask, moment, person_of
from grantline.cli.options import DEFAULT_DATA, DataOption, JsonOption, run

if TYPE_CHECKING:
    from grantline.ledger.inquiry.questions import Told
    from grantline.ledger.reports.counting import Period, Under
    from grantline.ledger.reports.logging import Logging
    from grantline.ledger.reports.processing import Processing


class Which(StrEnum):
    """Which report."""

    ART15 = "art15"
    ART30 = "art30"
    PCI10 = "pci10"
    HIPAA528 = "hipaa528"


def report(
    which: Annotated[Which, typer.Argument(help="`art15` and `hipaa528` are about one person, the others about all.")],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="User name, or id of the person.")] = "",
    *,
    reason: Annotated[str, typer.Option(help="Why you ask about the person; it is recorded.")] = "",
    since: SinceOption = "365d",
    until: UntilOption = None,
    json: JsonOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Report on a period, and quote the checkpoint that covers it.

    `art15`: recipients, purposes and times of each use of a person's data (GDPR). `hipaa528`: the same as an accounting
    of disclosures (45 CFR 164.528; say `--since 2190d` for six years). `art30`: processing by client and purpose;
    fewer than 5 people are not counted out. `pci10`: what PCI DSS 10.2.1 wants logged.
    """
    from grantline.ledger.reports.counting import Period

    personal = which in (Which.ART15, Which.HIPAA528)
    if personal != bool(name) or personal != bool(reason):
        needs = "takes a NAME and a --reason" if personal else "is about nobody: no NAME, no --reason"
        raise typer.BadParameter(f"{which.value} {needs}", param_hint="NAME")
    period = Period(since=moment(since), until=round(time.time() * 1e6) if until is None else moment(until))
    if personal:
        _of_person(data, which, name, reason, period, json=json)
    elif which is Which.ART30:
        _processing(data, period, json=json)
    else:
        _logging(data, period, json=json)


def _of_person(data: Path, which: Which, name: str, reason: str, period: "Period", *, json: bool) -> None:
    from grantline.cli.tables import print_json, print_table
    from grantline.ledger.published import Published
    from grantline.ledger.reports.counting import under
    from grantline.ledger.settings import Places
    from grantline.model.clock import iso

    used = _uses(data, name, f"{which.value}: {reason}", period)
    quoted = under(Published(Places(data).public))
    if json:
        print_json({"report": which.value, "under": quoted, "period": period, "uses": used})
        return
    heads = ("time", "recipient", "data", "purpose", "consent", "proof")
    rows = [
        (
            iso(each.t), each.client or "", f"{each.datatype}: {', '.join(each.fields)}", each.purpose or "",
            each.consent or "", each.event_id,
        )
        for each in used
    ]  # fmt: skip
    print_table(heads, rows, empty=f"No data of {name} was used in this time.")
    _quote(quoted)


def _uses(data: Path, name: str, reason: str, period: "Period") -> "list[Told]":
    """Every permitted call about a person, oldest first, however many pages that takes."""
    from grantline.ledger.inquiry.port import Window
    from grantline.ledger.inquiry.questions import WhoAccessed

    person = run(person_of(data, name))
    found: dict[int, Told] = {}
    until, fresh = period.until, True
    while fresh:
        window = Window(since=period.since, until=until)
        told = ask(data, WhoAccessed(by=getpass.getuser(), reason=reason, window=window, person=person))
        fresh = len(told) == window.limit and any(each.index not in found for each in told)
        found |= {each.index: each for each in told}
        until = min((each.t for each in told), default=until) + 1
    return sorted((each for each in found.values() if each.out == "permit"), key=lambda each: (each.t, each.index))


def _processing(data: Path, period: "Period", *, json: bool) -> None:
    from grantline.cli.tables import print_json, print_table
    from grantline.ledger.published import Published
    from grantline.ledger.reports.processing import processing
    from grantline.ledger.settings import Places

    found: Processing = processing(Published(Places(data).public), period)
    if json:
        print_json(found)
        return
    rows = [
        (each.client, each.purpose, each.data, str(each.allowed), str(each.refused), each.people, each.proof)
        for each in found.activities
    ]
    heads = ("client", "purpose", "data", "allowed", "refused", "people", "proof")
    print_table(heads, rows, empty="Nothing was processed in this time.")
    _quote(found.under)


def _logging(data: Path, period: "Period", *, json: bool) -> None:
    from grantline.cli.tables import print_json, print_table
    from grantline.ledger.published import Published
    from grantline.ledger.reports.logging import logging
    from grantline.ledger.settings import Places

    found: Logging = logging(Published(Places(data).public), period)
    if json:
        print_json(found)
        return
    rows = [
        (
            each.requirement, each.about, str(each.count), f"{each.first} to {each.last}" if each.count else "",
            each.proof or "",
        )
        for each in found.kinds
    ]  # fmt: skip
    print_table(("PCI DSS", "what", "count", "entries", "proof"), rows, empty="")
    _quote(found.under)


def _quote(under: "Under") -> None:
    typer.echo(f"\nunder the checkpoint of {under.origin}: {under.size} entries, root {under.root}")
    typer.echo("`grantline ledger prove PROOF --out DIR` proves each event that is named.")


COMMANDS = {"report": report}
