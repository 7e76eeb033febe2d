"""Shortest breaking runs about numbering (S5): two transactions over one file, open at the same time."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.following import Following
from grantline.gateway.standing import Standing
from grantline.model.feed import Entry, Hello, Kind, Marks, NewEntry, Position, chain, digest
from grantline.model.ids import ClientId
from grantline.model.reasons import Reason
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.tail import Tail
from grantline.signals.store import FeedLine
from grantline.storage.sql.shared import SqlFeedLog
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.cursor import SqliteCursor
from grantline.storage.sqlite.database import drive
from grantline.storage.sqlite.testing_schema import create_tables
from tests.feed_world import FENCE_MS, Gateway, MemoryWork, Rules, World, claims
from tests.unit.feed.runs import Run


class Ending:
    """One transaction that ends one grant, by the real log. Its number is taken inside, under the lock."""

    def __init__(self, path: Path, grant: str, world: World) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA busy_timeout=0")
        self._entry = NewEntry(
            kind=Kind.GRANT,
            id=grant,
            cause=Reason.GRANT_WITHDRAWN,
            until=world.clock.wall // 1_000_000 + 300,
            min_epoch=2,
            client=ClientId("app"),
            requested_us=world.clock.wall_us(),
        )

    def takes_its_number(self) -> bool:
        """False if it has to wait for another transaction."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        self._append()
        return True

    def commits(self) -> None:
        self._connection.execute("COMMIT")

    def rolls_back(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def _append(self) -> int:
        return drive(SqlFeedLog(SqliteCursor(self._connection)).append(self._entry)).seq


class NumberBeforeCommit(Ending):
    """Takes its number as from a database's own sequence, which no transaction holds."""

    def takes_its_number(self) -> bool:
        taken = self._connection.execute("UPDATE sequences SET value = value + 1 WHERE name = 'feed' RETURNING value")
        (self._number,) = taken.fetchone()
        return True

    def commits(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        (highest,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM feed").fetchone()
        before = "INSERT OR REPLACE INTO feed_head (id, incarnation, seq, chain) VALUES (1, 1, ?, zeroblob(32))"
        self._connection.execute(before, (self._number - 1,))
        assert self._append() == self._number
        self._connection.execute("UPDATE feed_head SET seq = max(seq, ?)", (highest,))
        self._connection.execute("COMMIT")

    def rolls_back(self) -> None:
        """The number stays taken."""


# What does not mind a gap: the check that stands behind the rule, at both ends


class TailWithGaps(Tail):
    """Takes what is visible for all there is."""

    @property
    def head(self) -> Position:
        return Position(self.incarnation, self._entries[-1].seq if self._entries else self.base.seq)

    def extend(self, lines: Iterable[FeedLine]) -> list[FeedLine]:
        new = [line for line in lines if line.entry.seq > self.head.seq]
        for line in new:
            self._links.append(chain(self.link, line.entry))
            self._entries.append(line.entry)
        return new

    def after(self, seq: int) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._entries if entry.seq > seq)

    def digest(self, seq: int) -> str | None:
        link = [self.base.chain, *self._links][sum(entry.seq <= seq for entry in self._entries)]
        return digest(link, Marks())


class ReadsWithGaps(Feed):
    async def start(self) -> None:
        await super().start()
        self._reading.tail.__class__ = TailWithGaps


class TableWithGaps(Cutoffs):
    def apply(self, incarnation: int, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.position = Position(incarnation, entry.seq - 1)
            super().apply(incarnation, [entry])


class FollowsWithGaps(Following):
    def hello(self) -> Hello:
        self.table.__class__ = TableWithGaps
        return super().hello()


class StandsWithGaps(Standing):
    def adopt(self, table: Cutoffs) -> None:
        super().adopt(table)
        self._cutoffs.__class__ = TableWithGaps


# Runs


@dataclass
class Numbering(Rules):
    """Rules with how a transaction gets its number."""

    ending: type[Ending] = Ending


@contextmanager
def _two_endings(rules: Rules) -> Iterator[tuple[World, Ending, Ending]]:
    """Of `g` and of `h`, each in a connection of its own to one file."""
    kind = rules.ending if isinstance(rules, Numbering) else Ending
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        create_tables(path)
        world = World(rules)
        world.work = MemoryWork(connect(path))
        world.work.connection.execute("INSERT INTO sequences (name, value) VALUES ('feed', 0)")
        endings = kind(path, "g", world), kind(path, "h", world)
        try:
            yield world, *endings
        finally:
            for ending in endings:
                ending.close()
            world.work.connection.close()


async def _follow(world: World, gateway: Gateway, *, renew: bool) -> None:
    """The follower looks, unless the keeper of the feed waits for a number that is missing."""
    with suppress(RuntimeError):
        await world.feed.push()
        gateway.hear()
        if renew:
            await gateway.round()


async def number_at_commit(rules: Rules) -> bool:
    """A takes 1, B takes 2, B commits, the follower is at 2, A commits 1. True if A's ending is skipped."""
    with _two_endings(rules) as (world, a, b):
        gateway = await (await world.start()).gateway()
        assert a.takes_its_number()
        ahead = b.takes_its_number()
        if ahead:
            b.commits()
        await _follow(world, gateway, renew=False)
        a.commits()
        if not ahead:
            assert b.takes_its_number()
            b.commits()
        await _follow(world, gateway, renew=True)
        assert gateway.stands(claims("other"))
        assert gateway.standing.check(claims("h")) is Reason.GRANT_WITHDRAWN
        return gateway.stands(claims("g"))


async def number_given_back(rules: Rules) -> bool:
    """A takes 1, B takes 2 and commits, A rolls back. True if whoever waits for 1 stands for ever."""
    with _two_endings(rules) as (world, a, b):
        gateway = await (await world.start()).gateway()
        assert a.takes_its_number()
        ahead = b.takes_its_number()
        a.rolls_back()
        assert ahead or b.takes_its_number()
        b.commits()
        world.pass_ms(FENCE_MS)
        await _follow(world, gateway, renew=True)
        return not gateway.stands(claims("other"))


def _no_rule() -> Rules:
    return Numbering(feed=ReadsWithGaps, following=FollowsWithGaps, standing=StandsWithGaps, ending=NumberBeforeCommit)


RUNS = (
    Run("number at commit", "C10", number_at_commit, _no_rule),
    Run("number given back", "C10", number_given_back, lambda: Numbering(ending=NumberBeforeCommit)),
)
