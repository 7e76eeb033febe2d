"""`grantline ledger who-accessed|trace|consent|investigate`: questions to the record, each of them on record itself."""

import getpass
import re
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.ledger import open_stores
from grantline.cli.options import DEFAULT_DATA, DataOption, JsonOption, run
from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.ledger.inquiry.port import Crowd, Window
    from grantline.ledger.inquiry.questions import Question, Told
    from grantline.model.ids import PersonId

_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
REASON = "Why you ask; it is recorded with the question."

ReasonOption = Annotated[str, typer.Option(help=REASON)]
SinceOption = Annotated[str, typer.Option(help="From when on: `90m`, `12h`, `30d`, or a date (UTC).")]
UntilOption = Annotated[str | None, typer.Option(help="Before when: as --since; now if it is left out.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1_000, help="At most so many, the newest.")]


class What(StrEnum):
    """What `investigate` looks for."""

    CLIENT = "client"
    TOKEN = "token"  # noqa: S105 (a word, no secret)
    AFTER_END = "after-end"
    OTHER_PURPOSE = "other-purpose"
    AFTER_REFUSAL = "after-refusal"
    CROWDS = "crowds"
    QUERIES = "queries"


def who_accessed(
    name: Annotated[str, typer.Argument(metavar="NAME", help="User name, or id of a person.")],
    reason: ReasonOption,
    *,
    since: SinceOption = "30d",
    until: UntilOption = None,
    limit: LimitOption = 1_000,
    json: JsonOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Tell which apps used NAME's data: when, what, for which purpose, under which consent, with what result."""
    from grantline.ledger.inquiry.questions import WhoAccessed

    person = run(person_of(data, name))
    asked = WhoAccessed(by=getpass.getuser(), reason=reason, window=_window(since, until, limit), person=person)
    _print(ask(data, asked), json, empty=f"Nobody used data of {name} in this time.")


def trace_calls(
    trace: Annotated[str, typer.Argument(metavar="TRACE_ID", help="W3C trace id: 32 hex digits.")],
    reason: ReasonOption,
    *,
    json: JsonOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Tell the story of one trace: consent, tokens, each call, and what the API answered."""
    from grantline.ledger.inquiry.port import Window
    from grantline.ledger.inquiry.questions import Traced

    if not re.fullmatch(r"[0-9a-f]{32}", trace):
        raise InvalidConfiguration("A trace id has 32 lower-case hex digits (W3C Trace Context).")
    asked = Traced(by=getpass.getuser(), reason=reason, window=Window(), trace=trace)
    _print(ask(data, asked), json, empty="No call with this trace is on record.")


def tell_consent(
    consent: Annotated[str, typer.Argument(metavar="CONSENT_ID", help="The consent's id (grant_id).")],
    reason: ReasonOption,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Directory for the story with a proof of each step (GDPR Art. 7(1)).")
    ] = None,
    limit: LimitOption = 1_000,
    json: JsonOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Tell the life of one consent, from the request to its end, with its calls. --out proves it."""
    from grantline.ledger.inquiry.port import Window
    from grantline.ledger.inquiry.questions import Consented
    from grantline.model.ids import ConsentId

    asked = Consented(by=getpass.getuser(), reason=reason, window=Window(limit=limit), consent=ConsentId(consent))
    told = ask(data, asked)
    _print(told, json, empty="The record holds nothing about this consent, or it was erased.")
    if out is not None and told:
        _bundle(data, told, out)


def investigate(
    what: Annotated[What, typer.Argument(help="What to look for.")],
    of: Annotated[
        str, typer.Argument(help="The client's id, the token's `jti`, or for `crowds` a number of people an hour.")
    ] = "",
    *,
    reason: ReasonOption,
    since: SinceOption = "7d",
    until: UntilOption = None,
    limit: LimitOption = 1_000,
    json: JsonOption = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Look for acts of a `client`, for uses of a `token`, and for what should not be.

    `after-end`: let through after the consent had ended. `other-purpose`: not a purpose of the consent.
    `after-refusal`: let through soon after the same was refused. `crowds`: clients that reached many people within an
    hour. `queries`: who asked the record what.
    """
    if bool(of) != (what in (What.CLIENT, What.TOKEN, What.CROWDS)):
        raise typer.BadParameter(f"{what.value} takes {'no value' if of else 'a value'}", param_hint="OF")
    window = _window(since, until, limit)
    if what is What.CROWDS:
        _print_crowds(_crowds(data, of, reason, window), json)
        return
    _print(ask(data, _question(what, of, reason, window)), json, empty="Nothing of this kind is on record.")


def _question(what: What, of: str, reason: str, window: "Window") -> "Question":
    from grantline.ledger.inquiry.questions import ByClient, Marked, OfToken, Queried
    from grantline.model.events import jti_hash
    from grantline.model.ids import ClientId

    by = getpass.getuser()
    match what:
        case What.CLIENT:
            return ByClient(by=by, reason=reason, window=window, client=ClientId(of))
        case What.TOKEN:
            return OfToken(by=by, reason=reason, window=window, jti_hash=jti_hash(of))
        case What.QUERIES:
            return Queried(by=by, reason=reason, window=window)
        case What.AFTER_END:
            return Marked(by=by, reason=reason, window=window, mark="after-end")
        case What.OTHER_PURPOSE:
            return Marked(by=by, reason=reason, window=window, mark="other-purpose")
        case _:
            return Marked(by=by, reason=reason, window=window, mark="after-refusal")


def _crowds(data: Path, of: str, reason: str, window: "Window") -> "tuple[Crowd, ...]":
    from grantline.app.own_secrets import ask_ledger
    from grantline.ledger.inquiry.questions import Crowded

    if not of.isdecimal():
        raise typer.BadParameter("crowds takes a number of people an hour", param_hint="OF")

    async def asking() -> "tuple[Crowd, ...]":
        ledger = ask_ledger(data)
        try:
            return await ledger.crowds(Crowded(by=getpass.getuser(), reason=reason, window=window, more_than=int(of)))
        finally:
            await ledger.close()

    return run(asking())


def ask(data: Path, question: "Question") -> "tuple[Told, ...]":
    """Ask the running ledger. Every kind but `Crowded`."""
    from grantline.app.own_secrets import ask_ledger

    async def asking() -> "tuple[Told, ...]":
        ledger = ask_ledger(data)
        try:
            return await ledger.inquire(question)
        finally:
            await ledger.close()

    return run(asking())


async def person_of(data: Path, name: str) -> "PersonId":
    """The id of a user name; what is none is taken for an id."""
    from grantline.app.state import open_state
    from grantline.model.ids import PersonId

    async with open_state(data) as state:
        person = await state.read(lambda tx: tx.people.by_username(name.casefold()))
    return PersonId(name) if person is None else person.id


def _window(since: str, until: str | None, limit: int) -> "Window":
    from grantline.ledger.inquiry.port import Window

    window = Window(since=moment(since), limit=limit)
    return window if until is None else Window(since=window.since, until=moment(until), limit=limit)


def moment(text: str) -> int:
    """Unix µs of a date, or of so long ago."""
    ago = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if ago:
        return round((time.time() - int(ago[1]) * _UNITS[ago[2]]) * 1e6)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("say `90m`, `12h`, `30d`, or a date such as 2026-11-24") from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)


def _print(told: "Sequence[Told]", json: bool, *, empty: str) -> None:
    """Oldest first, as a story is told."""
    from grantline.cli.tables import print_json, visible
    from grantline.ledger.inquiry.words import sentence

    if json:
        print_json(told)
        return
    if not told:
        typer.echo(empty)
    for each in reversed(told):
        typer.echo(visible(sentence(each)))


def _print_crowds(crowds: "Sequence[Crowd]", json: bool) -> None:
    from grantline.cli.tables import print_json, print_table
    from grantline.model.clock import iso

    if json:
        print_json(crowds)
        return
    rows = [(each.client, iso(each.hour), str(each.people)) for each in crowds]
    print_table(("client", "hour from", "people"), rows, empty="No client reached so many people within an hour.")


def _bundle(data: Path, told: "Sequence[Told]", out: Path) -> None:
    """The story in words and as JSON, and a proof of each event that made, changed or ended the consent."""
    import msgspec

    from grantline.cli.tables import visible
    from grantline.ledger.inquiry.words import sentence
    from grantline.ledger.keys import EVIDENCE, PersonKeys
    from grantline.ledger.prove import prove
    from grantline.ledger.published import Published
    from grantline.ledger.root_keys import open_root_keys

    out.mkdir(parents=True, exist_ok=True)
    story = list(reversed(told))
    (out / "story.txt").write_text("".join(f"{visible(sentence(each))}\n" for each in story), encoding="utf-8")
    (out / "story.json").write_bytes(msgspec.json.format(msgspec.json.encode(story), indent=2) + b"\n")
    proved = 0
    with open_stores(data) as (places, stores):
        keys = PersonKeys(stores.keys, open_root_keys(places.root_key, secrets.token_bytes), secrets.token_bytes)
        published = Published(places.public)
        (out / "log.vkey").write_text(published.vkey() or "")
        for each in story:
            if each.type in EVIDENCE:
                proof = prove(each.event_id, published, stores.entries, keys, disclose=("consent", "detail"))
                (out / f"{each.event_id}.tlog-proof").write_text(proof.text)
                (out / f"{each.event_id}.entry").write_bytes(proof.entry)
                (out / f"{each.event_id}.disclosures.json").write_bytes(msgspec.json.encode(proof.disclosures))
                proved += 1
    typer.echo(f"the story and {proved} proofs are in {out}")


COMMANDS = {"who-accessed": who_accessed, "trace": trace_calls, "consent": tell_consent, "investigate": investigate}
