"""What every implementation of the store of sessions at clients has to do. Subclass, and say how a unit is run."""

from msgspec.structs import replace

from grantline.authorization import ClientSessionRow
from grantline.identity.store import PersonRow, SessionRow
from grantline.model.ids import ClientId, PersonId, SubjectId
from grantline.testing.running import Run, each

ADA = PersonId("p_ada")
ROW = ClientSessionRow(
    sid="sid_1", session="s_1", client=ClientId("app"), person=ADA, subject=SubjectId("pw"), begun_at=10
)


async def _signed_in(run: Run, *sessions: str, ends_at: int = 1_000) -> None:
    """One person with these sessions."""
    rows = [SessionRow(one, ADA, 10, ("pwd",), "c", 10, ends_at) for one in sessions]
    await run(lambda tx: tx.people.put(PersonRow(ADA, "ada", "Ada", None, (), {})))
    await run(each(lambda tx, row: tx.sessions.add(row), rows))


class ClientSessionStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_session_is_opened_once_at_each_client(self, run: Run) -> None:
        """Whoever opens it again gets the one that is there."""
        await _signed_in(run, "s_1")
        assert await run(lambda tx: tx.client_sessions.open(ROW)) == ROW
        assert await run(lambda tx: tx.client_sessions.open(replace(ROW, sid="sid_2", begun_at=11))) == ROW
        other = replace(ROW, sid="sid_0", client=ClientId("other"), begun_at=12)
        assert await run(lambda tx: tx.client_sessions.open(other)) == other
        assert await run(lambda tx: tx.client_sessions.of("s_1")) == (ROW, other)
        assert await run(lambda tx: tx.client_sessions.by_sid("sid_1")) == ROW
        assert await run(lambda tx: tx.client_sessions.by_sid("sid_2")) is None
        assert await run(lambda tx: tx.client_sessions.of("none")) == ()

    async def test_it_is_present_while_the_session_behind_it_stands(self, run: Run) -> None:
        """Its name is known afterwards too."""
        await _signed_in(run, "s_1")
        await run(lambda tx: tx.client_sessions.open(ROW))
        assert await run(lambda tx: tx.client_sessions.is_present("sid_1")) is True
        await run(lambda tx: tx.sessions.end("s_1", 20))
        assert await run(lambda tx: tx.client_sessions.is_present("sid_1")) is False
        assert await run(lambda tx: tx.client_sessions.by_sid("sid_1")) == ROW
        assert await run(lambda tx: tx.client_sessions.is_present("none")) is False

    async def test_who_signs_in_again_takes_their_clients_along(self, run: Run) -> None:
        """Only the same person's, and only from a session that stands."""
        await _signed_in(run, "s_1", "s_2", "s_3")
        await run(lambda tx: tx.client_sessions.open(ROW))
        await run(lambda tx: tx.sessions.pass_on("s_1", "s_2", PersonId("p_ben")))
        assert await run(lambda tx: tx.client_sessions.of("s_1")) == (ROW,)
        await run(lambda tx: tx.sessions.pass_on("s_1", "s_2", ADA))
        await run(lambda tx: tx.sessions.end("s_1", 20))
        assert await run(lambda tx: tx.client_sessions.of("s_2")) == (replace(ROW, session="s_2"),)
        assert await run(lambda tx: tx.client_sessions.is_present("sid_1")) is True
        await run(lambda tx: tx.sessions.end("s_2", 21))
        await run(lambda tx: tx.sessions.pass_on("s_2", "s_3", ADA))
        assert await run(lambda tx: tx.client_sessions.of("s_3")) == ()

    async def test_clients_of_what_ended_are_told_the_longest_waiting_first(self, run: Run) -> None:
        """Not of sessions that stand, not of what ended long ago, not before it is due."""
        await _signed_in(run, "s_1", "s_long", "s_open")
        due = {"b": 5, "a": 5, "c": 1, "late": 31}
        rows = [replace(ROW, sid=sid, client=ClientId(sid), due_at=at) for sid, at in due.items()]
        others = [replace(ROW, sid=f"of_{session}", session=session) for session in ("s_long", "s_open")]
        await run(each(lambda tx, row: tx.client_sessions.open(row), [*rows, *others]))
        for session, at in (("s_1", 20), ("s_long", 10)):
            await run(lambda tx, session=session, at=at: tx.sessions.end(session, at))  # type: ignore[misc]

        async def told(most: int) -> list[str]:
            return [row.sid for row in await run(lambda tx: tx.client_sessions.to_tell(30, 10, most))]

        assert await told(9) == ["c", "a", "b"]
        assert await told(1) == ["c"]
        await run(lambda tx: tx.client_sessions.told("c", 30))
        assert await told(9) == ["a", "b"]

    async def test_one_process_begins_a_try_and_nothing_is_told_after_the_last(self, run: Run) -> None:
        """Covers: line 13. Of two that saw the same row, one goes on."""
        await _signed_in(run, "s_1")
        await run(lambda tx: tx.client_sessions.open(ROW))
        assert await run(lambda tx: tx.client_sessions.claim(ROW, 40)) is True
        assert await run(lambda tx: tx.client_sessions.claim(ROW, 41)) is False
        begun = await run(lambda tx: tx.client_sessions.by_sid("sid_1"))
        assert begun == replace(ROW, tries=1, due_at=40)
        await run(lambda tx: tx.client_sessions.told("sid_1", 50))
        assert await run(lambda tx: tx.client_sessions.claim(begun, 60)) is False
        assert await run(lambda tx: tx.client_sessions.by_sid("sid_1")) == replace(begun, told_at=50)

    async def test_what_was_over_before_is_forgotten(self, run: Run) -> None:
        """Sessions that were ended, and those whose time ran out."""
        await _signed_in(run, "s_ended", "s_open")
        await _signed_in(run, "s_out", ends_at=99)
        rows = [replace(ROW, sid=name, session=name) for name in ("s_ended", "s_open", "s_out")]
        await run(each(lambda tx, row: tx.client_sessions.open(row), rows))
        await run(lambda tx: tx.sessions.end("s_ended", 99))
        assert await run(lambda tx: tx.client_sessions.sweep(99)) == 0
        assert await run(lambda tx: tx.client_sessions.sweep(100)) == 2
        assert await run(lambda tx: tx.client_sessions.by_sid("s_open")) is not None
