"""`grantline ledger verify|prove|export`: the record, for whoever does not want to take our word for it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run
from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.ledger.completeness import Account
    from grantline.ledger.erasure import Erasure
    from grantline.ledger.published import Published
    from grantline.ledger.settings import Places
    from grantline.ledger.store import Stores

app = typer.Typer(help="The record: verify it, prove one event, export it.", no_args_is_help=True)

REFUSED, MISSING = 1, 3


@app.command("verify")
def verify_ledger(
    data: DataOption = DEFAULT_DATA,
    *,
    export: Annotated[Path | None, typer.Option(help="Verify this export instead of the data directory.")] = None,
    vkey: Annotated[Path | None, typer.Option(help="File with the log's key, from a source you trust.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="File in which you keep what you saw last; finds a shortened or forked log.")
    ] = None,
    witness_policy: Annotated[
        Path | None, typer.Option(help="File that says which witnesses must have seen it (C2SP tlog-policy).")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Checkpoint you hold, as a file: the log must continue it; what it covers is not read again."
        ),
    ] = None,
    completeness: Annotated[
        bool, typer.Option("--completeness", help="Also whether everything was written: numbers, heartbeats, outcomes.")
    ] = False,
) -> None:
    """Check every entry below the last signed checkpoint. Exit code 1: refused, 3: data is missing."""
    from grantline.ledger.completeness import Counting
    from grantline.ledger.published import Published
    from grantline.ledger.verify import verify
    from grantline.ledger.witness.policy import load_policy

    key = vkey.read_text().strip() if vkey else None
    policy = load_policy(witness_policy) if witness_policy else None
    counting = Counting() if completeness else None
    check = partial(
        verify, vkey=key, state=state, policy=policy, since=since.read_text(encoding="utf-8") if since else None,
        take=counting.take if counting else None,
    )  # fmt: skip
    if export is not None:
        report = check(Published(export))
    else:
        with open_stores(data) as (places, stores):
            report = check(Published(places.public), rows=stores.entries)
    typer.echo(f"size {report.size}\nroot {report.root}")
    if not report.ok:
        where = "" if report.index is None else f" (first entry in doubt: {report.index})"
        typer.echo(f"NOT VERIFIED: {report.problem}{where}", err=True)
        raise typer.Exit(MISSING if report.missing else REFUSED)
    if report.minimum:
        typer.echo(f"entries below {report.minimum} were pruned, which the log tells; their hashes were checked")
    typer.echo("verified")
    if counting is not None:
        _tell_completeness(counting.account())


def _tell_completeness(account: "Account") -> None:
    """Recorded gaps are told and stand; whatever nobody explains is refused."""
    from grantline.ledger.completeness import sentences

    for said in sentences(account):
        typer.echo(said, err=said.startswith("MISSING"))
    if not account.complete:
        typer.echo("NOT COMPLETE: something was not written, and nothing in the log says why.", err=True)
        raise typer.Exit(REFUSED)
    typer.echo("complete")


@app.command("compare")
def compare_checkpoints(
    one: Annotated[Path, typer.Argument(help="A checkpoint, as a file.")],
    other: Annotated[Path, typer.Argument(help="Another of the same log, from somebody else.")],
    vkey: Annotated[Path, typer.Option(help="File with the log's key, from a source you trust.")],
) -> None:
    """Find out whether a log showed two people two histories. Exit code 1: it did, and the two files prove it."""
    from grantline.crypto.note import InvalidNote
    from grantline.ledger.verify import Fork, compare

    try:
        first, second = compare(*(path.read_text(encoding="utf-8") for path in (one, other, vkey)))
    except Fork as fork:
        typer.echo(f"FORK: {fork}; these two files prove it.", err=True)
        raise typer.Exit(REFUSED) from fork
    except (InvalidNote, OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"These are not two checkpoints of this log: {error}") from error
    if first.size == second.size:
        typer.echo(f"the same: {first.size} entries")
        return
    typer.echo(
        f"Sizes {first.size} and {second.size} tell nothing by themselves: verify the log with the smaller as --state.",
        err=True,
    )
    raise typer.Exit(MISSING)


@app.command("prove")
def prove_event(
    event: Annotated[str, typer.Argument(help="The event's id.")],
    out: Annotated[Path, typer.Option(help="Directory for the proof, the entry and what is disclosed.")],
    disclose: Annotated[str, typer.Option(help="Names of withheld fields to disclose, separated by commas.")] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write a proof of one event that can be checked offline with nothing but the log's key."""
    import msgspec

    from grantline.ledger.keys import PersonKeys
    from grantline.ledger.prove import prove
    from grantline.ledger.published import Published
    from grantline.ledger.root_keys import open_root_keys

    wanted = tuple(name for name in disclose.split(",") if name)
    with open_stores(data) as (places, stores):
        keys = PersonKeys(stores.keys, open_root_keys(places.root_key, secrets.token_bytes), secrets.token_bytes)
        proof = prove(event, Published(places.public), stores.entries, keys, disclose=wanted)
    told = {one.name for one in proof.disclosures}
    if told != set(wanted):
        raise InvalidConfiguration(f"--disclose: this event has no {', '.join(sorted(set(wanted) - told))}")
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{event}.tlog-proof").write_text(proof.text)
    (out / f"{event}.entry").write_bytes(proof.entry)
    if proof.disclosures:
        (out / f"{event}.disclosures.json").write_bytes(msgspec.json.encode(proof.disclosures))
    typer.echo(f"entry {proof.index} is proved in {out}")


@app.command("export")
def export_ledger(
    directory: Annotated[Path | None, typer.Argument(help="An empty or new directory.")] = None,
    data: DataOption = DEFAULT_DATA,
    *,
    witnessed: Annotated[
        bool, typer.Option("--witnessed", help="Only what enough witnesses saw, with their cosignatures.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Print entries instead, one a line: `ocsf`, `cloudevents`, `set` or `cef`."),
    ] = None,
    since_index: Annotated[int, typer.Option(min=0, help="With --format: the first entry to print.")] = 0,
) -> None:
    """Write checkpoint, tiles, entries and key as C2SP tlog-tiles, which third-party verifiers read.

    With --format, print entries below the last signed checkpoint for a SIEM; what they hold names nobody. The next run
    goes on with the index after the last one printed (`sequence`, `log.index`, `cn1`).
    """
    from grantline.ledger.export import export
    from grantline.ledger.published import Published
    from grantline.ledger.settings import Places

    if (directory is None) == (form is None):
        raise typer.BadParameter("name a directory, or a --format", param_hint="DIRECTORY")
    published = Published(Places(data).public)
    if directory is None:
        _print_entries(published, str(form), since_index, data)
        return
    if directory.exists() and any(directory.iterdir()):
        raise InvalidConfiguration(f"{directory} is not empty")
    checkpoint = export(published, directory, witnessed=witnessed)
    typer.echo(f"{checkpoint.size} entries under one checkpoint in {directory}")


def _print_entries(published: "Published", form: str, since: int, data: Path) -> None:
    import sys

    from grantline.app.own_secrets import producer_key
    from grantline.ledger.formats.reading import Format, form_of, records
    from grantline.model.clock import SystemClock

    if form not in set(Format):
        raise typer.BadParameter(f"one of {', '.join(Format)}", param_hint="--format")
    write = form_of(Format(form), SystemClock(), lambda: producer_key(data))
    for each in records(published, since):
        sys.stdout.buffer.write(write(each) + b"\n")
    sys.stdout.buffer.flush()


@app.command("erase")
def erase_person(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="User name, or the id of a person who has none any more.")
    ],
    basis: Annotated[str, typer.Option(help="Why, in the register's words: `art17`, `objection`, `retention`.")],
    request: Annotated[str, typer.Option(help="Number of the request by which it can be found again.")],
    evidence: Annotated[
        bool,
        typer.Option("--evidence", help="Also the proof of their consents, which may be kept (GDPR Art. 17(3)(e))."),
    ] = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Forget what the record keeps about NAME, for good. Proofs still hold; nobody can open the details again.

    The ledger has to be running. The person's account and consents are not touched: end those first.
    """
    erasure = run(_erase(data, name, basis, request, evidence))
    keys = "key is" if len(erasure.keys) == 1 else "keys are"
    typer.echo(f"{len(erasure.keys)} {keys} destroyed. The record tells of it in the event {erasure.event}.")
    if not evidence:
        typer.echo("What proves the consents is kept; --evidence destroys that too.")


async def _erase(data: Path, name: str, basis: str, request: str, evidence: bool) -> "Erasure":
    from grantline.app.own_secrets import ask_ledger
    from grantline.app.state import open_state
    from grantline.ledger.erasure import Order
    from grantline.model.ids import PersonId

    async with open_state(data) as state:
        person = await state.read(lambda tx: tx.people.by_username(name.casefold()))
    ledger = ask_ledger(data)
    try:
        person_id = PersonId(name) if person is None else person.id
        return await ledger.erase(Order(person=person_id, basis=basis, request=request, evidence=evidence))
    finally:
        await ledger.close()


@contextmanager
def open_stores(data: Path) -> "Iterator[tuple[Places, Stores]]":
    """The ledger's files, for reading beside a running ledger."""
    from grantline.ledger.settings import Places
    from grantline.storage.sqlite.ledger import open_ledger

    places = Places(data)
    if not places.ledger.exists():
        raise InvalidConfiguration(f"{data} holds no ledger; name an instance with --data.")
    stores = open_ledger(places.ledger)
    try:
        yield places, stores
    finally:
        stores.close()
