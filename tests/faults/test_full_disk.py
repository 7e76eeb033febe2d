"""A full disk refuses everything but withdrawals; a real, small file system is filled to the last byte."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from grantline.model.errors import AuditUnavailable
from grantline.model.feed import Entry, Kind, NewEntry, Position
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.shared import SqlFeedLog
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")


class Tx:
    """The feed alone."""

    def __init__(self, cursor: Cursor) -> None:
        self.feed = SqlFeedLog(cursor)


ENTRY = NewEntry(kind=Kind.GRANT, id="g" * 2_000, cause="grant_withdrawn", until=10, min_epoch=2)


async def append(tx: Tx) -> Entry:
    return await tx.feed.append(ENTRY)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def fill(where: Path) -> Path:
    ballast = where / "ballast"
    descriptor = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    for size in (65_536, 4_096, 512):
        with contextlib.suppress(OSError):
            while True:
                os.write(descriptor, b"\0" * size)
    os.close(descriptor)
    return ballast


async def until_refused(database: Database[Tx]) -> None:
    for _ in range(2_000):
        await database.write(append)


@needs_root
async def test_on_a_full_disk_a_withdrawal_is_stored_and_everything_else_refused_until_there_is_room(
    small_disk: Path,
) -> None:
    """Covers: I5."""
    path = small_disk / "state.db"
    create_tables(path)
    database: Database[Tx] = Database(path, Tx)
    await database.write(append)
    ballast = fill(small_disk)

    with pytest.raises(AuditUnavailable):
        await until_refused(database)
    before = await database.read(lambda tx: tx.feed.position())

    withdrawn = await database.write(append, essential=True)
    assert withdrawn.seq == before.seq + 1
    with pytest.raises(AuditUnavailable):
        await database.write(append)
    assert await database.read(lambda tx: tx.feed.position()) == Position(1, withdrawn.seq)

    ballast.unlink()
    assert (await database.write(append)).seq == withdrawn.seq + 1
    database.close()
