"""What every implementation of the stores of people and their sessions has to do. Say how a unit is run."""

from dataclasses import replace
from typing import Any

from grantline.identity.store import EnrolmentRow, GuessRow, PersonRow, SessionRow
from grantline.model.ids import ApiId, PersonId
from grantline.testing.running import Run, each, error_of

ADA = PersonRow(
    id=PersonId("p_ada"), username="ada", name="Ada Łovelace", email="Ada@Example.org", roles=("operator", "other"),
    resource_names={ApiId("bank"): "b-1", ApiId("calendar"): "c-1"},
    password="$argon2id$",  # noqa: S106
)  # fmt: skip
BEN = PersonRow(id=PersonId("p_ben"), username="ben", name="Ben", email=None, roles=(), resource_names={})
SESSION = SessionRow(
    id="s_1", person=ADA.id, auth_time=10, amr=("pwd", "otp"), csrf="c", seen_at=10, ends_at=100, acr="phr",
    agent="Firefox on Linux",
)  # fmt: skip


class PeopleStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_person_is_found_by_id_name_and_address(self, run: Run) -> None:
        """The address in any case, for an operator may have typed it otherwise."""
        await run(each(lambda tx, row: tx.people.put(row), (ADA, BEN)))
        assert await run(lambda tx: tx.people.by_id(ADA.id)) == ADA
        assert await run(lambda tx: tx.people.by_username("ben")) == BEN
        assert await run(lambda tx: tx.people.by_email("aDA@example.ORG")) == (ADA,)
        assert await run(lambda tx: tx.people.count()) == 2
        for nobody in (
            lambda tx: tx.people.by_id(PersonId("none")),
            lambda tx: tx.people.by_username("Ada"),
        ):
            assert await run(nobody) is None
        assert await run(lambda tx: tx.people.by_email("ben")) == ()

    async def test_people_who_share_an_address_are_all_told(self, run: Run) -> None:
        """So that nobody is taken for another by it."""
        await run(each(lambda tx, row: tx.people.put(row), (ADA, replace(BEN, email="ada@example.org"))))
        assert {row.id for row in await run(lambda tx: tx.people.by_email("ada@example.org"))} == {ADA.id, BEN.id}

    async def test_a_person_is_replaced_by_id_and_a_name_is_one_persons(self, run: Run) -> None:
        """The unit that would give a name twice leaves nothing."""
        changed = replace(ADA, name="Ada", email=None, roles=(), password=None)
        await run(each(lambda tx, row: tx.people.put(row), (ADA, changed, BEN)))
        assert await run(lambda tx: tx.people.by_id(ADA.id)) == changed
        assert await error_of(run(lambda tx: tx.people.put(replace(BEN, username="ada")))) is not None
        assert await run(lambda tx: tx.people.by_username("ben")) == BEN
        assert await run(lambda tx: tx.people.count()) == 2

    async def test_a_session_stands_until_it_is_ended(self, run: Run) -> None:
        """Its end by time is not the store's to judge where it is asked for by its id."""
        await run(lambda tx: tx.people.put(ADA))
        await run(lambda tx: tx.sessions.add(SESSION))
        assert await run(lambda tx: tx.sessions.by_id("s_1")) == SESSION
        await run(lambda tx: tx.sessions.seen("s_1", 20))
        assert (await run(lambda tx: tx.sessions.by_id("s_1"))).seen_at == 20
        await run(lambda tx: tx.sessions.end("s_1", 30))
        await run(lambda tx: tx.sessions.end("s_1", 31))
        assert await run(lambda tx: tx.sessions.by_id("s_1")) is None

    async def test_a_session_is_of_a_person_who_is_known(self, run: Run) -> None:
        """Nobody is signed in as nobody."""
        assert await error_of(run(lambda tx: tx.sessions.add(SESSION))) is not None
        assert await run(lambda tx: tx.sessions.by_id("s_1")) is None

    async def test_sessions_are_listed_newest_first_and_ended_by_their_person_alone(self, run: Run) -> None:
        """Ended ones and those whose time is over are not listed."""
        rows = [replace(SESSION, id=f"s_{at}", auth_time=at) for at in (1, 3, 2)]
        others = [replace(SESSION, id="s_over", ends_at=50), replace(SESSION, id="s_ben", person=BEN.id)]
        await run(each(lambda tx, row: tx.people.put(row), (ADA, BEN)))
        await run(each(lambda tx, row: tx.sessions.add(row), [*rows, *others]))

        async def of(person: PersonId) -> list[str]:
            return [row.id for row in await run(lambda tx: tx.sessions.of(person, 50))]

        assert await of(ADA.id) == ["s_3", "s_2", "s_1"]
        assert await run(lambda tx: tx.sessions.end_one(ADA.id, "s_ben", 50)) is False
        assert await run(lambda tx: tx.sessions.end_one(ADA.id, "s_2", 50)) is True
        assert await run(lambda tx: tx.sessions.end_one(ADA.id, "s_2", 50)) is False
        assert await of(ADA.id) == ["s_3", "s_1"]
        assert await run(lambda tx: tx.sessions.end_all(ADA.id, 50)) == 3
        assert await run(lambda tx: tx.sessions.end_all(ADA.id, 50)) == 0
        assert (await of(ADA.id), await of(BEN.id)) == ([], ["s_ben"])

    async def test_sessions_that_time_has_ended_are_found_oldest_first_and_once(self, run: Run) -> None:
        """By their own end, or by nobody having been there; at the very second."""
        rows = [
            replace(SESSION, id="s_idle", seen_at=40, ends_at=900),
            replace(SESSION, id="s_old", seen_at=99, ends_at=100),
            replace(SESSION, id="s_here", seen_at=41, ends_at=101),
        ]
        await run(each(lambda tx, row: tx.people.put(row), (ADA,)))
        await run(each(lambda tx, row: tx.sessions.add(row), rows))

        async def over(limit: int) -> list[str]:
            return [row.id for row in await run(lambda tx: tx.sessions.over(100, 60, limit))]

        assert (await over(9), await over(1)) == (["s_idle", "s_old"], ["s_idle"])
        await run(lambda tx: tx.sessions.end("s_idle", 100))
        assert await over(9) == ["s_old"]

    async def test_a_link_works_once_and_in_time(self, run: Run) -> None:
        """Asking whether it works does not use it up."""
        row = EnrolmentRow("l_1", ADA.id, 100)
        await run(lambda tx: tx.enrolments.add(row))
        await run(lambda tx: tx.enrolments.add(EnrolmentRow("l_first", None, 100)))
        assert await run(lambda tx: tx.enrolments.find("l_1", 99)) == row
        assert await run(lambda tx: tx.enrolments.find("l_1", 100)) is None
        assert await run(lambda tx: tx.enrolments.burn("l_1", 100)) is None
        assert await run(lambda tx: tx.enrolments.burn("l_1", 99)) == row
        assert await run(lambda tx: tx.enrolments.burn("l_1", 99)) is None
        assert await run(lambda tx: tx.enrolments.find("l_1", 99)) is None
        assert (await run(lambda tx: tx.enrolments.burn("l_first", 1))).person is None

    async def test_all_links_of_one_person_end_and_no_others(self, run: Run) -> None:
        """Those for the first operator are nobody's."""
        rows = tuple(EnrolmentRow(f"l_{who}", who, 100) for who in (ADA.id, BEN.id, None))
        await run(each(lambda tx, row: tx.enrolments.add(row), rows))

        async def found(tx: Any) -> list[EnrolmentRow | None]:
            return [await tx.enrolments.find(row.id, 9) for row in rows]

        await run(lambda tx: tx.enrolments.end_all(ADA.id, 9))
        assert await run(found) == [None, *rows[1:]]
        await run(lambda tx: tx.enrolments.end_all(None, 9))
        assert await run(found) == [None, rows[1], None]

    async def test_guesses_are_counted_by_key_until_they_are_forgotten(self, run: Run) -> None:
        """An account and an address are counted apart."""
        first, other = GuessRow("account ada", 1, 5, 4), GuessRow("address ::1", 7, 9, 8)
        await run(each(lambda tx, row: tx.guesses.put(row), (first, other, replace(first, failures=2, wait_until=10))))
        assert await run(lambda tx: tx.guesses.get(first.key)) == replace(first, failures=2, wait_until=10)
        await run(lambda tx: tx.guesses.clear(first.key))
        assert await run(lambda tx: tx.guesses.get(first.key)) is None
        assert await run(lambda tx: tx.guesses.get(other.key)) == other
