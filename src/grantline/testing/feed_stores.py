"""What every implementation of the feed and the outbox has to do. Subclass, and say how a unit is run."""

import msgspec

from grantline.model.events import Event, EventType
from grantline.model.feed import Entry, Kind, Marks, NewEntry, Position, chain
from grantline.model.ids import ClientId, EventId
from grantline.signals.store import FeedBase
from grantline.testing.running import Run, each, error_of

START = bytes(32)


def _new(name: str, **changes: object) -> NewEntry:
    return msgspec.structs.replace(NewEntry(kind=Kind.GRANT, id=name, cause="c", until=10, min_epoch=2), **changes)


def _event(name: str) -> Event:
    return Event(
        event_id=EventId(name), type=EventType.SIGN_IN, t=1, act="sign_in", res="session", out="permit",
        detail={"name": "Äda", "list": ["a"]},
    )  # fmt: skip


async def _appended(run: Run, *names: str) -> list[Entry]:
    entries: list[Entry] = await run(each(lambda tx, row: tx.feed.append(row), [_new(name) for name in names]))
    return entries


class FeedStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_entries_are_numbered_and_chained_in_their_order(self, run: Run) -> None:
        """Covers: feed C10."""
        assert await run(lambda tx: tx.feed.position()) == Position(1, 0)
        assert await run(lambda tx: tx.gateways.feed.head()) == (Position(1, 0), START)
        first, second = await _appended(run, "g_1", "g_2")
        (third,) = await _appended(run, "g_3")
        assert [one.seq for one in (first, second, third)] == [1, 2, 3]
        link = START
        for one in (first, second, third):
            link = chain(link, one)
        assert await run(lambda tx: tx.gateways.feed.head()) == (Position(1, 3), link)
        assert await run(lambda tx: tx.feed.position()) == Position(1, 3)

    async def test_a_unit_that_is_undone_takes_no_number(self, run: Run) -> None:
        """Covers: feed C10. So nobody waits for an entry that never comes."""

        async def undone(tx: object) -> None:
            await tx.feed.append(_new("g_0"))  # type: ignore[attr-defined]
            raise LookupError

        await _appended(run, "g_1")
        assert isinstance(await error_of(run(undone)), LookupError)
        assert [one.seq for one in await _appended(run, "g_2")] == [2]

    async def test_entries_come_back_as_they_were_from_any_place_on(self, run: Run) -> None:
        """With what is kept beside them for their closure; a cut-off stands at its own place."""
        cut = _new("app", kind=Kind.CLIENT, min_epoch=None, cut_off=True)
        beside = _new("g_1", client=ClientId("app"), requested_us=7)
        entries = await run(each(lambda tx, row: tx.feed.append(row), (beside, cut, _new("g_2"))))
        lines = await run(lambda tx: tx.gateways.feed.after(0, -1))
        assert [line.entry for line in lines] == entries
        assert [(line.client, line.requested_us) for line in lines] == [("app", 7), (None, None), (None, None)]
        assert entries[1].before_position == Position(1, 2)
        assert [line.entry.seq for line in await run(lambda tx: tx.gateways.feed.after(1, 1))] == [2]
        assert list(await run(lambda tx: tx.gateways.feed.after(3, 9))) == []
        assert await run(lambda tx: tx.gateways.closures.line(1)) == lines[0]
        assert await run(lambda tx: tx.gateways.closures.line(9)) is None
        assert list(await run(lambda tx: tx.gateways.closures.lines_of("g_1"))) == [lines[0]]
        assert list(await run(lambda tx: tx.gateways.closures.lines_of("app"))) == []

    async def test_what_is_forgotten_leaves_its_place_behind(self, run: Run) -> None:
        """And the next number is the next one."""
        await _appended(run, "g_1", "g_2", "g_3")
        assert await run(lambda tx: tx.gateways.feed.base()) == FeedBase()
        for seq in (1, 2):
            base = FeedBase(seq=seq, chain=b"\x00" * 31 + bytes([seq]), marks=Marks("p", "c"))
            await run(lambda tx, base=base: tx.gateways.feed.forget(base))  # type: ignore[misc]
        assert await run(lambda tx: tx.gateways.feed.base()) == base
        assert [line.entry.seq for line in await run(lambda tx: tx.gateways.feed.after(0, 9))] == [3]
        assert [one.seq for one in await _appended(run, "g_4")] == [4]

    async def test_a_new_incarnation_enters_what_is_kept_again_beyond_any_number(self, run: Run) -> None:
        """Covers: feed C10. In the same order, chained from the start; marks stay."""
        await _appended(run, "g_1", "g_2", "g_3")
        await run(lambda tx: tx.gateways.feed.forget(FeedBase(seq=1, marks=Marks("p", "c"))))
        assert await run(lambda tx: tx.gateways.feed.raise_incarnation(1_000)) == Position(2, 1_005)
        lines = await run(lambda tx: tx.gateways.feed.after(0, 9))
        assert [(line.entry.id, line.entry.seq) for line in lines] == [("g_2", 1_004), ("g_3", 1_005)]
        link = chain(chain(START, lines[0].entry), lines[1].entry)
        assert await run(lambda tx: tx.gateways.feed.head()) == (Position(2, 1_005), link)
        assert await run(lambda tx: tx.gateways.feed.base()) == FeedBase(seq=1_003, marks=Marks("p", "c"))
        assert [one.seq for one in await _appended(run, "g_4")] == [1_006]

    async def test_only_whoever_took_the_feed_last_proves_to_keep_it(self, run: Run) -> None:
        """Covers: line 13. The longest lease stays with the feed, whoever keeps it."""
        assert await run(lambda tx: tx.gateways.keeper.prove("one")) is False
        assert await run(lambda tx: tx.gateways.keeper.lease_ms()) == 0
        await run(lambda tx: tx.gateways.keeper.take("one"))
        await run(lambda tx: tx.gateways.keeper.allow_lease(2_000))
        assert await run(lambda tx: tx.gateways.keeper.prove("one")) is True
        await run(lambda tx: tx.gateways.keeper.take("two"))
        proofs = [await run(lambda tx, who=who: tx.gateways.keeper.prove(who)) for who in ("one", "two")]  # type: ignore[misc]
        assert proofs == [False, True]
        assert await run(lambda tx: tx.gateways.keeper.lease_ms()) == 2_000

    async def test_events_wait_in_the_order_of_their_commits_until_they_are_dropped(self, run: Run) -> None:
        """What is dropped gives no number back, and what was undone took none."""

        async def undone(tx: object) -> None:
            await tx.outbox.append(_event("e_0"))  # type: ignore[attr-defined]
            raise LookupError

        await run(each(lambda tx, row: tx.outbox.append(row), [_event("e_1"), _event("e_2")]))
        assert isinstance(await error_of(run(undone)), LookupError)
        assert await run(lambda tx: tx.outgoing.waiting(9)) == ((1, _event("e_1")), (2, _event("e_2")))
        assert [place for place, _ in await run(lambda tx: tx.outgoing.waiting(1))] == [1]
        await run(lambda tx: tx.outgoing.forget(2))
        assert await run(lambda tx: tx.outgoing.waiting(9)) == ()
        await run(lambda tx: tx.outbox.append(_event("e_3")))
        assert [place for place, _ in await run(lambda tx: tx.outgoing.waiting(9))] == [3]

    async def test_an_event_waits_once(self, run: Run) -> None:
        """Told twice, the whole unit is refused."""
        await run(lambda tx: tx.outbox.append(_event("e_1")))
        assert await error_of(run(lambda tx: tx.outbox.append(_event("e_1")))) is not None
        assert len(await run(lambda tx: tx.outgoing.waiting(9))) == 1
