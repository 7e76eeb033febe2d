"""What every implementation of the store of consents has to do. Subclass, and say how a unit is run."""

from typing import Any

import msgspec

from grantline.consent import SCHEMA, seal
from grantline.model.consent import Ceremony, Notice, State, Status, Version
from grantline.model.errors import Conflict
from grantline.model.ids import ClientId, ConsentId, PersonId, SubjectId
from grantline.testing.running import Run, each, error_of

CONSENT = ConsentId("g_1")


def _state(name: str = CONSENT, **changes: Any) -> State:
    whole = State(
        consent_id=ConsentId(name), person=PersonId("p"), subject=SubjectId("s"), client=ClientId("app"),
        status=Status.ACTIVE, version=1, epoch=1, min_epoch=1, confirmed_at=1, created_at=1,
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def _version(number: int, ceremony: str) -> Version:
    bare = Version(
        schema_version=SCHEMA, record_id=f"r_{number}", consent_id=CONSENT, version=number, prev_hash=None,
        subject=SubjectId("s"), acted_by="person", client=ClientId("app"), client_name="Äpp", client_metadata_hash="",
        parties=(), purposes=(), requested=(), offered=(), granted=(), scope="", not_before=1, expires_at=2,
        confirm_every_days=None, notice=Notice(template="t", language="en", sha256=""),
        ceremony=Ceremony(id=ceremony, amr=("pwd",), auth_time=1, decided_ms=1, channel="authorize"), retention="",
        storage_locations=(), jurisdiction="", withdrawal_method="", rights="", authority="", resource_subjects=(),
    )  # fmt: skip
    return seal(bare)


class ConsentStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_state_comes_back_whole_and_stands_once(self, run: Run) -> None:
        """Each consent has one state, ended or not."""
        ended = _state(status=Status.WITHDRAWN, ended_at=9, cause="grant_withdrawn", ended_by="person")
        await run(lambda tx: tx.consents.add(ended))
        assert await run(lambda tx: tx.consents.get(CONSENT)) == ended
        assert await run(lambda tx: tx.consents.get(ConsentId("g_none"))) is None
        assert await error_of(run(lambda tx: tx.consents.add(_state()))) is not None
        assert await run(lambda tx: tx.consents.get(CONSENT)) == ended

    async def test_a_state_is_replaced_only_while_it_is_the_one_that_was_read(self, run: Run) -> None:
        """Whoever read it before somebody else changed it changes nothing, whichever part of it was changed."""
        before = _state()
        after = _state(status=Status.SUSPENDED, version=2, epoch=2, min_epoch=2, confirmed_at=7)
        stale = [_state(**change) for change in ({"status": Status.REQUESTED}, {"version": 2}, {"epoch": 2})]
        await run(lambda tx: tx.consents.add(before))
        for one in stale:
            refused = await error_of(run(lambda tx, one=one: tx.consents.save(one, after, None)))  # type: ignore[misc]
            assert isinstance(refused, Conflict)
        nowhere = run(lambda tx: tx.consents.save(_state("g_none"), _state("g_none", epoch=2), None))
        assert isinstance(await error_of(nowhere), Conflict)
        assert await run(lambda tx: tx.consents.get(CONSENT)) == before
        await run(lambda tx: tx.consents.save(before, after, 50))
        assert await run(lambda tx: tx.consents.get(CONSENT)) == after
        assert isinstance(await error_of(run(lambda tx: tx.consents.save(before, after, 50))), Conflict)

    async def test_consents_are_told_newest_first(self, run: Run) -> None:
        """Of a person, of a client, of everybody; what began at once by its name."""
        rows = (
            _state("g_b", created_at=2), _state("g_a", created_at=2), _state("g_c", created_at=3, client="other"),
            _state("g_d", created_at=1, person="q"),
        )  # fmt: skip
        await run(each(lambda tx, row: tx.consents.add(row), rows))

        async def names(unit: Any) -> list[str]:
            return [state.consent_id for state in await run(unit)]

        assert await names(lambda tx: tx.consents.of_person(PersonId("p"))) == ["g_c", "g_a", "g_b"]
        assert await names(lambda tx: tx.consents.of_client(ClientId("app"), limit=9)) == ["g_a", "g_b", "g_d"]
        assert await names(lambda tx: tx.consents.of_client(ClientId("app"), limit=1)) == ["g_a"]
        assert await names(lambda tx: tx.consents.of_subject(SubjectId("s"), ClientId("other"))) == ["g_c"]
        assert await names(lambda tx: tx.consents.latest(limit=2)) == ["g_c", "g_a"]
        assert await names(lambda tx: tx.consents.of_person(PersonId("nobody"))) == []

    async def test_what_has_reached_its_end_is_told_earliest_first(self, run: Run) -> None:
        """Only what stands can end by time, and only what has an end."""
        rows = [_state(name) for name in ("g_a", "g_b", "g_c", "g_d", "g_e")]
        ends = (20, 10, 31, None, 5)
        statuses = (Status.ACTIVE, Status.SUSPENDED, Status.ACTIVE, Status.ACTIVE, Status.WITHDRAWN)
        await run(each(lambda tx, row: tx.consents.add(row), rows))
        for row, end, status in zip(rows, ends, statuses, strict=True):
            after = msgspec.structs.replace(row, status=status, epoch=2)
            await run(lambda tx, row=row, after=after, end=end: tx.consents.save(row, after, end))  # type: ignore[misc]
        assert [one.consent_id for one in await run(lambda tx: tx.consents.due(30, limit=9))] == ["g_b", "g_a"]
        assert [one.consent_id for one in await run(lambda tx: tx.consents.due(31, limit=9))] == ["g_b", "g_a", "g_c"]
        assert [one.consent_id for one in await run(lambda tx: tx.consents.due(31, limit=1))] == ["g_b"]

    async def test_questions_that_nobody_answered_are_told_oldest_first(self, run: Run) -> None:
        """Answered ones are none, however old."""
        asked = [_state(f"g_{9 - at}", status=Status.REQUESTED, created_at=at) for at in (3, 1, 2)]
        await run(each(lambda tx, row: tx.consents.add(row), [*asked, _state("g_0", created_at=0)]))
        assert [one.created_at for one in await run(lambda tx: tx.consents.unanswered(2, limit=9))] == [1, 2]
        assert [one.created_at for one in await run(lambda tx: tx.consents.unanswered(9, limit=1))] == [1]

    async def test_versions_come_back_as_they_were_sealed_oldest_first(self, run: Run) -> None:
        """Their hash is checked on the way."""
        first, second = _version(1, "c_1"), _version(2, "c_2")
        await run(lambda tx: tx.consents.add(_state()))
        await run(each(lambda tx, row: tx.consents.add_version(row), (second, first)))
        assert await run(lambda tx: tx.consents.versions(CONSENT)) == (first, second)
        assert await run(lambda tx: tx.consents.version(CONSENT, 2)) == second
        assert await run(lambda tx: tx.consents.version(CONSENT, 3)) is None
        assert await run(lambda tx: tx.consents.versions(ConsentId("g_none"))) == ()

    async def test_a_number_and_a_ceremony_are_used_once(self, run: Run) -> None:
        """One decision makes one version: pressing twice is told, and changes nothing."""
        first = _version(1, "c_1")
        await run(lambda tx: tx.consents.add(_state()))
        await run(lambda tx: tx.consents.add_version(first))
        for again in (_version(1, "c_2"), _version(2, "c_1"), first):
            refused = await error_of(run(lambda tx, again=again: tx.consents.add_version(again)))  # type: ignore[misc]
            assert isinstance(refused, Conflict)
        assert await run(lambda tx: tx.consents.versions(CONSENT)) == (first,)

    async def test_a_version_belongs_to_a_consent(self, run: Run) -> None:
        """Without one it is not kept."""
        assert await error_of(run(lambda tx: tx.consents.add_version(_version(1, "c_1")))) is not None
        assert await run(lambda tx: tx.consents.versions(CONSENT)) == ()
