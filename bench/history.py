"""A record of some size: how long it takes to verify it, to prove one event, and to answer an investigator.

    python -m bench.history [--entries 20000 200000] [--directory DIR] [--skip-log] [--skip-questions]

Prints one JSON object: {"history": [{"entries", "verify_rate", "prove_ms", "proof_hashes", "questions": {name: ms}},
…]}, one for each size. Bounds (AUDIT.md §7, issue of the ledger): verify at least 100,000 entries a second, prove one
event in at most 50 ms with at most 24 hashes, each question in less than a second, also at 10 million entries. Leaves
are of a real call's size; half a million people give one consent each, and 200 clients call.
"""

import argparse
import asyncio
import hashlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.rows import Row, Rows
from bench.statistic import median
from grantline.crypto.merkle import Frontier, leaf_hash
from grantline.ledger.inquiry.port import Odd, Window
from grantline.ledger.keys import PersonKeys
from grantline.ledger.prove import check_proof, prove
from grantline.ledger.published import Published
from grantline.ledger.publisher import Publisher
from grantline.ledger.root_keys import RootKeys
from grantline.ledger.signer import Reply, Request, Signer, SignerClient
from grantline.ledger.store import AccessRow, EntryRow, Group, LifeRow, Projected, Stores
from grantline.ledger.verify import verify
from grantline.model.ids import ClientId
from grantline.storage.sqlite.ledger import open_ledger

NAME = "history"
FULL = ("--entries", "20000", "200000")
QUICK = ("--entries", "300", "1000")
STEP = 5_000
PEOPLE, CLIENTS = 500_000, 200
BEGIN, APART_US = 1_700_000_000_000_000, 3_000_000
TIMES = 5
_LEAF = (
    b'{"act":"read","boot":"b_1","client":"budget","cns":"%022d","cv":1,"ev":"%022d","id":"%s","jtih":"'
    + b"x" * 43
    + b'","out":"permit","pol":"'
    + b"x" * 43
    + b'","prod":"gw1","ps":"%022d","pseq":%d,"pur":"budgeting","res":'
    b'"transactions","ret":"standard","sd":["'
    + b'","'.join(b"y" * 43 for _ in range(8))
    + b'"],"t":%d,"tc":%d,"type":"gateway.decision@1","v":1}'
)


class Here(SignerClient):
    """The signer in this process."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def _ask(self, request: Request) -> Reply:
        return self._signer.answer(request)


def event_name(index: int) -> str:
    """Ids that sort by index, as UUIDv7 do."""
    return f"{index:08x}-0000-7000-8000-{index:012x}"


def _leaf(index: int) -> bytes:
    at, person = BEGIN + index * APART_US, index % PEOPLE
    return _LEAF % (person, index, event_name(index).encode(), person, index + 1, at, at)


def grow(stores: Stores, publisher: Publisher, start: int, end: int) -> None:
    """Entries [start, end), under one checkpoint."""
    head = stores.entries.head()
    frontier: Frontier = head.frontier
    for first in range(start, end, STEP):
        rows = [
            EntryRow(index, event_name(index), BEGIN + index * APART_US, _leaf(index))
            for index in range(first, min(first + STEP, end))
        ]
        for row in rows:
            frontier.append(leaf_hash(row.body))
        stores.entries.commit(Group(rows, [], frontier, rows[-1].tc, {}, {}))
    asyncio.run(publisher.publish(frontier))


def project(stores: Stores, start: int, end: int) -> None:
    """Calls [start, end): each person's first one follows their consent, every 1,000th was refused."""
    for first in range(start, end, STEP):
        accesses, lives = [], []
        for index in range(first, min(first + STEP, end)):
            person, t = index % PEOPLE, BEGIN + index * APART_US
            key, ref = f"key-{person:09d}", f"ref-{person:018d}"
            if index < PEOPLE:
                lives.append(
                    LifeRow(
                        idx=2 * index,
                        key_id=key,
                        ref=ref,
                        event_id=event_name(2 * index),
                        type="consent.given@1",
                        t=t,
                        reason=None,
                        version=1,
                        client="budget",
                        purposes='["budgeting"]',
                        trace=None,
                        jtih=None,
                    )
                )
            refused = index % 1_000 == 999
            accesses.append(
                AccessRow(
                    idx=2 * index + 1,
                    key_id=key,
                    ref=ref,
                    event_id=event_name(2 * index + 1),
                    t=t + 1,
                    client=f"client-{index % CLIENTS}",
                    gateway="gw1",
                    api="bank",
                    endpoint="transactions",
                    action="read",
                    datatype="transactions",
                    decision="deny" if refused else "permit",
                    reason="grant_withdrawn" if refused else None,
                    purpose="marketing" if index % 50_000 == 7 else "budgeting",
                    fields='["amount","date"]',
                    evaluation=f"{index:022d}",
                    trace=hashlib.md5(b"%d" % index, usedforsecurity=False).hexdigest(),
                    jtih=f"{index // 10:064d}",
                    odd=0,
                )
            )
        stores.projections.apply(2 * first + 2 * len(accesses), Projected(accesses, lives, []))


def _timed(work: Callable[[], object]) -> float:
    """Median milliseconds."""
    took: list[float] = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return round(median(took) * 1_000, 2)


def questions(stores: Stores, size: int) -> dict[str, float]:
    """Each question as its command asks it, over as much time as it takes by default or all of it."""
    asked, middle = stores.investigations, size // 2
    end = BEGIN + size * APART_US
    week, day = Window(since=end - 7 * 86_400_000_000), Window(since=end - 86_400_000_000)
    trace = hashlib.md5(b"%d" % middle, usedforsecurity=False).hexdigest()
    return {
        "accesses of a person": _timed(lambda: asked.of_people([f"key-{middle % PEOPLE:09d}"], Window())),
        "acts of a client in a week": _timed(lambda: asked.of_client(ClientId("client-7"), week)),
        "a trace": _timed(lambda: asked.of_trace(trace, Window())),
        "a token": _timed(lambda: asked.of_token(f"{middle // 10:064d}", Window())),
        "a consent": _timed(lambda: asked.calls_under(f"ref-{middle % PEOPLE:018d}", Window())),
        "after the end": _timed(lambda: asked.odd(Odd.AFTER_END, Window())),
        "other purpose": _timed(lambda: asked.odd(Odd.OTHER_PURPOSE, Window())),
        "after a refusal": _timed(lambda: asked.odd(Odd.AFTER_REFUSAL, Window())),
        "crowds in a day": _timed(lambda: asked.crowds(100, day)),
        "who asked": _timed(lambda: asked.of_type("ledger.queried@1", Window())),
    }


def of_log(stores: Stores, published: Published, keys: PersonKeys, size: int) -> dict[str, float]:
    """Verify all of it from the published files, and prove the entry in the middle."""
    begun = time.perf_counter()
    report = verify(published)
    took = time.perf_counter() - begun
    if not report.ok:
        raise RuntimeError(report.problem)
    name = event_name(size // 2)
    proof = prove(name, published, stores.entries, keys)
    check_proof(proof.text, proof.entry, published.vkey() or "")
    return {
        "verify_rate": round(size / took),
        "prove_ms": _timed(lambda: prove(name, published, stores.entries, keys)),
        "proof_hashes": len(proof.text.split("\n\n")[0].splitlines()) - 2,
    }


def measure(sizes: list[int], directory: Path, *, log: bool, asked: bool) -> list[dict[str, object]]:
    """The same record, grown from size to size."""
    stores = open_ledger(directory / "ledger")
    signer = Signer(directory / "signer", "bench.example/log")
    published = Published(directory / "public")
    publisher = Publisher(stores.entries, published, Here(signer))
    asyncio.run(publisher.recover())
    keys = PersonKeys(stores.keys, RootKeys(secrets.token_bytes(32)), secrets.token_bytes)
    found: list[dict[str, object]] = []
    for before, size in zip([0, *sizes], sizes, strict=False):
        one: dict[str, object] = {"entries": size}
        if log:
            grow(stores, publisher, before, size)
            one |= of_log(stores, published, keys, size)
        if asked:
            project(stores, before, size)
            one["questions"] = questions(stores, size)
        found.append(one)
    stores.close()
    signer.close()
    return found


def rows(samples: list[list[dict[str, object]]]) -> list[Row]:
    """Medians over the samples, and how each figure grew from the first size to the last."""
    found = Rows(NAME)
    for at, one in enumerate(samples[0]):
        case = f"{one['entries']:,} entries"

        def of(name: str, at: int = at) -> float:
            return median([float(str(sample[at][name])) for sample in samples])

        found.add(case, "verify", of("verify_rate"), "entries/s", least=100_000 if at else None)
        found.add(case, "prove", of("prove_ms"), "ms", most=50)
        found.add(case, "proof", of("proof_hashes"), "hashes", most=24)
        for name in _questions(samples[0][at]):
            took = median([_questions(sample[at])[name] for sample in samples])
            found.add(case, name, took, "ms", most=1_000)
    return found.all


def _questions(sample: dict[str, object]) -> dict[str, float]:
    asked = sample["questions"]
    if not isinstance(asked, dict):
        raise TypeError("no questions were asked")
    return asked


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--directory", type=Path, help="Where to write; the disk of this directory is measured.")
    parser.add_argument("--skip-log", action="store_true")
    parser.add_argument("--skip-questions", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.directory) as directory:
        found = measure(asked.entries, Path(directory), log=not asked.skip_log, asked=not asked.skip_questions)
    print(json.dumps({NAME: found}))


if __name__ == "__main__":
    main()
