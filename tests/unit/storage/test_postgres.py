"""PostgreSQL: the writer groups commits, units stay apart; across processes nothing is hidden and nothing guessed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from grantline.authorization.store import TicketKind
from grantline.model.errors import AuditUnavailable, InvalidConfiguration, InvalidRequest
from grantline.model.feed import Entry, Kind, NewEntry, Position
from grantline.storage.migrations.postgres import migrate_postgres
from grantline.storage.postgres import database
from grantline.storage.postgres.commit import Commit
from grantline.storage.postgres.connection import WRITERS, Address, connect, driver
from grantline.storage.postgres.database import PostgresDatabase
from grantline.storage.postgres.units import run_unit
from grantline.storage.sql.transaction import SqlTransaction
from tests.postgres_server import GUARDED, PostgresServer

ENTRY = NewEntry(kind=Kind.GRANT, id="g_1", cause="grant_withdrawn", until=10, min_epoch=2)
State = PostgresDatabase[SqlTransaction]


@pytest.fixture
async def one(postgres: Address) -> AsyncIterator[State]:
    opened: State = PostgresDatabase(postgres, SqlTransaction)
    yield opened
    await opened.close()


@pytest.fixture
async def other(postgres: Address) -> AsyncIterator[State]:
    """A second writer over the same database, as another process has."""
    opened: State = PostgresDatabase(postgres, SqlTransaction)
    yield opened
    await opened.close()


async def append(tx: SqlTransaction) -> Entry:
    return await tx.feed.append(ENTRY)


async def entries(tx: SqlTransaction) -> list[int]:
    return [line.entry.seq for line in await tx.gateways.feed.after(0, 1_000)]


async def test_units_at_once_are_numbered_without_gaps_in_few_commits(
    one: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: feed C10."""
    commits, run = [], Commit.run

    async def counted(self: Commit[Any], group: Any) -> None:
        commits.append(len(group))
        await run(self, group)

    monkeypatch.setattr(Commit, "run", counted)
    done = await asyncio.gather(*(one.write(append) for _ in range(100)))
    assert sorted(entry.seq for entry in done) == list(range(1, 101))
    assert len(commits) < 10


async def test_a_unit_that_fails_leaves_nothing_and_takes_no_number_also_within_a_group(one: State) -> None:
    async def broken(tx: SqlTransaction) -> None:
        await tx.feed.append(ENTRY)
        raise ValueError("no")

    async def twice(tx: SqlTransaction) -> None:
        await tx.gateways.enrolments.keep_token("h", "gw", 1)  # type: ignore[arg-type]
        await tx.gateways.enrolments.keep_token("h", "gw", 1)  # type: ignore[arg-type]

    units = (append, broken, append, twice, append)
    outcomes = await asyncio.gather(*(one.write(unit) for unit in units), return_exceptions=True)
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False, True, False]
    assert await one.read(entries) == [1, 2, 3]
    assert await one.read(lambda tx: tx.gateways.enrolments.token("h")) is None


async def test_a_unit_may_await_nothing_but_its_transaction(one: State) -> None:
    async def idle(tx: SqlTransaction) -> None:
        await tx.feed.position()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="something other than its transaction"):
        await one.write(idle)
    with pytest.raises(RuntimeError, match="something other than its transaction"):
        await one.read(idle)
    assert await one.read(entries) == []


async def test_two_writers_at_once_give_every_number_once(one: State, other: State) -> None:
    await asyncio.gather(*(which.write(append) for _ in range(60) for which in (one, other)))
    assert await one.read(entries) == list(range(1, 121))


async def test_an_entry_is_never_hidden_from_a_follower_by_a_later_one(postgres: Address, other: State) -> None:
    """Covers: feed C10. The first writer has its number and does not commit: nobody gets the next one meanwhile."""
    slow = await connect(postgres, "writing")
    started, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Commit[SqlTransaction]):
        async def _run(self, waiting: Any) -> None:
            await super()._run(waiting)
            started.set()
            await go_on.wait()

    waiting = database._Waiting(append)
    first = asyncio.create_task(Slow(slow, SqlTransaction).run([waiting]))
    await started.wait()
    second = asyncio.create_task(other.write(append))
    await _until_blocked(postgres)
    assert waiting.outcome[1].seq == 1
    assert await other.read(entries) == []
    assert not second.done()
    go_on.set()
    await first
    assert (await second).seq == 2
    assert await other.read(entries) == [1, 2]
    await slow.close()


async def test_the_counter_alone_orders_even_whoever_forgets_the_writers_lock(postgres: Address, other: State) -> None:
    """Covers: feed C10. Two transactions interleaved by hand on the counter's row."""
    await other.write(append)
    first, second = await connect(postgres, "writing"), await connect(postgres, "writing")
    for connection in (first, second):
        await connection.execute("BEGIN")
    assert (await run_unit(append, SqlTransaction, first)).seq == 2
    late = asyncio.create_task(run_unit(append, SqlTransaction, second))
    await _until_blocked(postgres)
    assert not late.done()
    assert await other.read(entries) == [1]
    await first.execute("COMMIT")
    assert (await late).seq == 3
    await second.execute("COMMIT")
    assert await other.read(entries) == [1, 2, 3]
    for connection in (first, second):
        await connection.close()


async def test_a_reader_sees_one_snapshot(one: State, other: State) -> None:
    async def twice(tx: SqlTransaction) -> tuple[Position, Position]:
        before = await tx.feed.position()
        writing = asyncio.get_running_loop().create_task(other.write(append))
        while not writing.done():
            await tx.feed.position()
        return before, await tx.feed.position()

    before, after = await one.read(twice)
    assert before == after == Position(1, 0)
    assert await one.read(lambda tx: tx.feed.position()) == Position(1, 1)


async def test_a_read_cannot_write(one: State) -> None:
    with pytest.raises(Exception, match="read-only transaction"):
        await one.read(append)


async def test_versions_cannot_be_changed_by_whoever_holds_a_connection(postgres: Address) -> None:
    connection = await connect(postgres, "migrating")
    await connection.execute(
        "INSERT INTO consents (consent_id, person, subject, client, status, version, epoch, min_epoch, confirmed_at,"
        " created_at) VALUES ('g', 'p', 's', 'c', 'active', 1, 1, 1, 1, 1);"
        "INSERT INTO consent_versions (consent_id, version, content_hash, ceremony, body) VALUES ('g', 1, 'h', 'c', '')"
    )
    for act in ("UPDATE consent_versions SET body = 'x'", "DELETE FROM consent_versions", "TRUNCATE consent_versions"):
        with pytest.raises(Exception, match="append-only"):
            await connection.execute(act)
    await connection.close()


async def test_a_writer_that_stands_idle_in_its_transaction_loses_it(
    postgres: Address, other: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process holds up the others for a bounded time, and what it had begun is undone."""
    monkeypatch.setattr("grantline.storage.postgres.connection.WAIT_S", 1)
    stopped = await connect(postgres, "writing")
    await stopped.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS})")
    assert (await other.write(append)).seq == 1
    assert stopped.is_closed() or await _is_dead(stopped)


async def _is_dead(connection: Any) -> bool:
    try:
        await connection.execute("SELECT 1")
    except Exception:
        return True
    return False


async def _lost(one: State, monkeypatch: pytest.MonkeyPatch, *, before: bool) -> Any:
    """Write, and lose the connection just before or just after the server has committed."""
    original = await one._connected()
    execute = original.execute
    cut: list[str] = []

    class Cut:
        def __getattr__(self, name: str) -> Any:
            return getattr(original, name)

        async def execute(self, query: str, *args: Any) -> str:
            if "COMMIT" in query and not cut:
                cut.append(query)
                if not before:
                    await execute(query)
                original.terminate()
                raise ConnectionResetError("lost")
            return await execute(query, *args)

    one._connection = Cut()
    entry = await one.write(append)
    assert cut
    return entry


@pytest.mark.parametrize("before", [True, False])
async def test_a_commit_whose_answer_was_lost_is_done_exactly_once(
    one: State, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """The server is asked what became of it: repeated if it was undone, told as done if it was done."""
    entry = await _lost(one, monkeypatch, before=before)
    assert entry.seq == 1
    assert await one.read(entries) == [1]


async def test_what_was_acknowledged_survives_a_crash_of_the_server(postgres_server: PostgresServer) -> None:
    """Covers: feed C10. Meanwhile writes and reads are refused, and they go on by themselves afterwards."""
    address = await postgres_server.migrated()
    state: State = PostgresDatabase(address, SqlTransaction)
    await state.write(append)
    postgres_server.stop()
    with pytest.raises(AuditUnavailable):
        await state.write(append)
    with pytest.raises(AuditUnavailable):
        await state.read(entries)
    postgres_server.start()
    assert await state.read(entries) == [1]
    assert (await state.write(append)).seq == 2
    await state.close()
    await postgres_server.drop(address)


async def test_a_password_that_is_being_changed_is_an_outage_and_heals(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs meanwhile is refused like anybody whose server is away, and hears again afterwards."""
    monkeypatch.setattr("grantline.storage.postgres.hearing.AGAIN_S", 0.05)
    (tmp_path / "password").write_text(GUARDED)
    address = Address((await postgres_server.guarded()).url, tmp_path / "password")
    await migrate_postgres(address)
    state: State = PostgresDatabase(address, SqlTransaction)
    heard = asyncio.Event()
    state.hear(heard.set)
    await state.write(append)
    await asyncio.wait_for(heard.wait(), 10)
    (tmp_path / "password").write_text("not yet")
    await _cut_off(postgres_server.as_admin(address))
    for refused in (lambda: state.write(append), lambda: state.read(entries)):
        # The first to ask may only find that the connection is gone.
        said = [await _refusal(refused) for _ in range(2)]
        assert "password authentication failed" in said[-1]
    heard.clear()
    (tmp_path / "password").write_text(GUARDED)
    await asyncio.wait_for(heard.wait(), 10)
    assert (await state.write(append)).seq == 2
    assert await state.read(entries) == [1, 2]
    await state.close()
    await postgres_server.drop(address)


async def _refusal(refused: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises(AuditUnavailable) as told:
        await refused()
    return str(told.value.detail)


async def _cut_off(address: Address) -> None:
    """End every connection to this database but the one that says so."""
    connection = await connect(address, "migrating")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_other_processes_hear_of_a_commit(one: State, other: State) -> None:
    heard = asyncio.Event()
    other.hear(heard.set)
    await asyncio.wait_for(heard.wait(), 10)
    heard.clear()
    await one.write(append)
    await asyncio.wait_for(heard.wait(), 10)


async def test_what_waits_is_finished_before_closing(postgres: Address) -> None:
    state: State = PostgresDatabase(postgres, SqlTransaction)
    writing = [asyncio.create_task(state.write(append)) for _ in range(10)]
    await asyncio.sleep(0)
    await state.close()
    assert [entry.seq for entry in await asyncio.gather(*writing)] == list(range(1, 11))


@pytest.mark.parametrize(
    ("url", "said"), [("postgresql://a:secret@host/db", "password_file"), ("mysql://host/db", "unknown")]
)
def test_an_address_that_cannot_be_used_is_refused_by_its_name(url: str, said: str) -> None:
    with pytest.raises(InvalidConfiguration, match=said) as told:
        Address(url)
    assert "secret" not in str(told.value)


async def _until_blocked(address: Address) -> None:
    """Return when somebody in this database waits for a lock."""
    watching = await connect(address, "migrating")
    while not await watching.fetchval(  # noqa: ASYNC110
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ):
        await asyncio.sleep(0.01)
    await watching.close()


@pytest.mark.parametrize("sql", ["DROP TABLE tickets", "ALTER TABLE tickets RENAME COLUMN body TO corpse"])
async def test_a_table_that_is_not_as_expected_fails_the_unit_and_nothing_else(
    postgres: Address, one: State, sql: str
) -> None:
    async def swept(tx: SqlTransaction) -> None:
        await tx.tickets.get(TicketKind.CODE, b"d")

    connection = await connect(postgres, "migrating")
    await connection.execute(sql)
    await connection.close()
    for run in (one.write, one.read):
        with pytest.raises(Exception, match="does not exist"):
            await asyncio.wait_for(run(swept), 5)
    assert (await asyncio.wait_for(one.write(append), 5)).seq == 1


async def test_a_value_of_the_wrong_kind_is_our_mistake_and_not_the_databases(one: State) -> None:
    async def mistaken(tx: SqlTransaction) -> None:
        await tx.tickets.sweep("soon")  # type: ignore[arg-type]

    with pytest.raises(driver().DataError, match="invalid input"):
        await one.write(mistaken)


async def test_text_with_nul_is_the_callers_mistake_and_costs_nobody_else_anything(one: State) -> None:
    """SQLite would look for it and find nothing."""

    async def looked_for(tx: SqlTransaction) -> object:
        return await tx.people.by_username("a\0b")

    for run in (one.read, one.write):
        with pytest.raises(InvalidRequest, match="cannot be kept"):
            await run(looked_for)
    first, refused, second = await asyncio.gather(
        one.write(append), one.write(looked_for), one.write(append), return_exceptions=True
    )
    assert isinstance(refused, InvalidRequest)
    assert [entry.seq for entry in (first, second) if isinstance(entry, Entry)] == [1, 2]
