"""The writer groups commits, keeps units apart, and numbers the feed without gaps."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from grantline.model.events import Event, EventType
from grantline.model.feed import Entry, Kind, NewEntry, Position, chain
from grantline.model.ids import event_id
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.shared import SqlFeedLog, SqlOutbox
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables


class Tx:
    """The feed and the outbox."""

    def __init__(self, cursor: Cursor) -> None:
        self.feed = SqlFeedLog(cursor)
        self.outbox = SqlOutbox(cursor)


ENTRY = NewEntry(kind=Kind.GRANT, id="g_1", cause="grant_withdrawn", until=10, min_epoch=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_tables(tmp_path / "state.db")
    return tmp_path / "state.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database[Tx]]:
    opened: Database[Tx] = Database(path, Tx)
    yield opened
    opened.close()


async def append(tx: Tx) -> Entry:
    return await tx.feed.append(ENTRY)


async def test_a_hundred_units_at_once_are_numbered_without_gaps_in_few_commits(path: Path) -> None:
    """Covers: feed C10."""
    commits: list[str] = []

    def counted(where: Path) -> sqlite3.Connection:
        connection = connect(where)
        connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        return connection

    database: Database[Tx] = Database(path, Tx, connect=counted)
    entries = await asyncio.gather(*(database.write(append) for _ in range(100)))
    assert sorted(entry.seq for entry in entries) == list(range(1, 101))
    assert len(commits) < 50
    database.close()


async def test_a_unit_that_fails_leaves_nothing_and_takes_no_number_also_within_a_group(database: Database[Tx]) -> None:
    async def fails(tx: Tx) -> None:
        await tx.feed.append(ENTRY)
        await tx.outbox.append(
            Event(event_id=event_id(bytes), type=EventType.LOG_GAP, t=1, act="a", res="r", out="deny")
        )
        raise ValueError("no")

    outcomes = await asyncio.gather(
        database.write(append), database.write(fails), database.write(append), return_exceptions=True
    )
    assert isinstance(outcomes[1], ValueError)
    assert await database.read(lambda tx: tx.feed.position()) == Position(1, 2)
    assert (await database.write(append)).seq == 3


async def test_a_unit_may_await_nothing_but_its_transaction(database: Database[Tx]) -> None:
    async def wanders(tx: Tx) -> None:
        await tx.feed.append(ENTRY)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaited"):
        await database.write(wanders)
    assert await database.read(lambda tx: tx.feed.position()) == Position(1, 0)


async def test_the_chain_of_the_feed_follows_from_its_entries(database: Database[Tx], path: Path) -> None:
    entries = [await database.write(append) for _ in range(3)]
    digest = bytes(32)
    for entry in entries:
        digest = chain(digest, entry)
    rows = sqlite3.connect(path).execute("select chain from feed order by seq").fetchall()
    assert rows[-1][0] == digest


async def test_a_reader_never_sees_a_unit_half_done(database: Database[Tx]) -> None:
    async def two(tx: Tx) -> None:
        await tx.feed.append(ENTRY)
        await tx.feed.append(ENTRY)

    seen: set[int] = set()

    async def watch() -> None:
        for _ in range(200):
            seen.add((await database.read(lambda tx: tx.feed.position())).seq % 2)
            await asyncio.sleep(0)

    await asyncio.gather(watch(), *(database.write(two) for _ in range(50)))
    assert seen == {0}


async def test_a_cut_off_names_its_own_place(database: Database[Tx]) -> None:
    """Covers: feed C11."""
    cut = NewEntry(kind=Kind.CLIENT, id="app", cause="client_quarantined", until=10, cut_off=True)
    await database.write(append)
    assert (await database.write(lambda tx: tx.feed.append(cut))).before_position == Position(1, 2)
