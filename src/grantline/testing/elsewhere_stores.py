"""What every implementation of the store of requests from elsewhere has to do. Say how a unit runs."""

import msgspec

from grantline.authorization import ElsewhereRow, Result, Way
from grantline.model.ids import ClientId
from grantline.testing.running import Run, each, error_of

DEVICE = ElsewhereRow(
    id="r-1", way=Way.DEVICE, client=ClientId("tv"), waits_for=None, user_code="BCDFGHJK", created_at=100,
    expires_at=700, interval=5,
)  # fmt: skip
CALL = ElsewhereRow(
    id="r-2", way=Way.BACKCHANNEL, client=ClientId("caller"), waits_for="p_ada", user_code=None, created_at=110,
    expires_at=400, interval=5,
)  # fmt: skip


def like(row: ElsewhereRow, **changes: object) -> ElsewhereRow:
    """The same row but for these."""
    return msgspec.structs.replace(row, **changes)


class ElsewhereStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_request_is_found_by_its_id_and_by_its_code(self, run: Run) -> None:
        """Any number of requests have no code; one that is out is out once (check 139)."""
        await run(each(lambda tx, row: tx.elsewhere.put(row), (DEVICE, CALL, like(CALL, id="r-3"))))
        assert await run(lambda tx: tx.elsewhere.get("r-1")) == DEVICE
        assert await run(lambda tx: tx.elsewhere.get("r-2")) == CALL
        assert await run(lambda tx: tx.elsewhere.by_user_code("BCDFGHJK")) == DEVICE
        assert await run(lambda tx: tx.elsewhere.by_user_code("bcdfghjk")) is None
        assert await run(lambda tx: tx.elsewhere.get("r-9")) is None
        assert await error_of(run(lambda tx: tx.elsewhere.put(like(DEVICE, id="r-4")))) is not None

    async def test_the_pace_and_the_answer_are_kept(self, run: Run) -> None:
        """Each in its own columns: the one does not undo the other (check 142)."""
        await run(lambda tx: tx.elsewhere.put(DEVICE))
        await run(lambda tx: tx.elsewhere.polled("r-1", 130, 10))
        await run(lambda tx: tx.elsewhere.answered("r-1", "p_ada", Result.ALLOWED, 131))
        expected = like(
            DEVICE, waits_for="p_ada", polled_at=130, interval=10, result=Result.ALLOWED, tell_at=131
        )  # fmt: skip
        assert await run(lambda tx: tx.elsewhere.get("r-1")) == expected

    async def test_what_waits_for_a_person_is_theirs_open_and_unanswered(self, run: Run) -> None:
        """The oldest first; at its end it no longer waits."""
        rows = (
            like(CALL, id="late", created_at=120), CALL, like(CALL, id="bens", waits_for="p_ben"),
            like(CALL, id="over", expires_at=200), like(CALL, id="said", result=Result.REFUSED), DEVICE,
        )  # fmt: skip
        await run(each(lambda tx, row: tx.elsewhere.put(row), rows))
        waiting = await run(lambda tx: tx.elsewhere.waiting_for("p_ada", 200))
        assert [row.id for row in waiting] == ["r-2", "late"]

    async def test_refused_ones_press_on_until_their_end_and_allowed_ones_do_not(self, run: Run) -> None:
        """Of one client to one person."""
        rows = (
            CALL, like(CALL, id="no", result=Result.REFUSED), like(CALL, id="yes", result=Result.ALLOWED),
            like(CALL, id="over", result=Result.REFUSED, expires_at=200), like(CALL, id="bens", waits_for="p_ben"),
            like(CALL, id="others", client=ClientId("other")),
        )  # fmt: skip
        await run(each(lambda tx, row: tx.elsewhere.put(row), rows))
        assert await run(lambda tx: tx.elsewhere.pressing("p_ada", CALL.client, 200)) == 2
        assert await run(lambda tx: tx.elsewhere.pressing("nobody", CALL.client, 200)) == 0

    async def test_what_one_person_allowed_can_be_taken_back(self, run: Run) -> None:
        """What waits goes on waiting, and nobody else is concerned."""
        rows = (
            like(CALL, id="yes", result=Result.ALLOWED), like(CALL, id="no", result=Result.REFUSED), CALL,
            like(CALL, id="bens", waits_for="p_ben", result=Result.ALLOWED),
        )  # fmt: skip
        await run(each(lambda tx, row: tx.elsewhere.put(row), rows))
        assert await run(lambda tx: tx.elsewhere.take_back("p_ada")) == 1
        results = [(await run(lambda tx, row=row: tx.elsewhere.get(row.id))).result for row in rows]  # type: ignore[misc]
        assert results == [Result.REFUSED, Result.REFUSED, None, Result.ALLOWED]

    async def test_each_try_to_tell_is_claimed_once_until_it_was_told(self, run: Run) -> None:
        """The next not before its time; CIBA §10.2."""
        rows = (like(CALL, id="now", tell_at=150), like(CALL, id="soon", tell_at=160), CALL)
        await run(each(lambda tx, row: tx.elsewhere.put(row), rows))
        (due,) = await run(lambda tx: tx.elsewhere.to_tell(150, 16))
        assert due.id == "now"
        assert [row.id for row in await run(lambda tx: tx.elsewhere.to_tell(200, 1))] == ["now"]
        assert await run(lambda tx: tx.elsewhere.claim(due, 170)) is True
        assert await run(lambda tx: tx.elsewhere.claim(due, 170)) is False
        assert [row.id for row in await run(lambda tx: tx.elsewhere.to_tell(169, 16))] == ["soon"]
        again = await run(lambda tx: tx.elsewhere.get("now"))
        assert again.tries == 1
        await run(lambda tx: tx.elsewhere.told("now"))
        assert await run(lambda tx: tx.elsewhere.claim(again, 180)) is False
        assert [row.id for row in await run(lambda tx: tx.elsewhere.to_tell(999, 16))] == ["soon"]

    async def test_only_what_is_over_is_forgotten(self, run: Run) -> None:
        """One that expires in the very second stays."""
        await run(each(lambda tx, row: tx.elsewhere.put(row), (DEVICE, CALL)))
        assert await run(lambda tx: tx.elsewhere.sweep(400)) == 0
        assert await run(lambda tx: tx.elsewhere.sweep(401)) == 1
        assert await run(lambda tx: tx.elsewhere.get("r-2")) is None
        assert await run(lambda tx: tx.elsewhere.get("r-1")) == DEVICE
