"""Readers get counts over entries, kept ready and buildable again from the tree."""

import pytest

from grantline.ledger.keys import PersonKeys
from grantline.ledger.queries import (
    AccessesArguments,
    AroundArguments,
    DaysArguments,
    FieldsArguments,
    LifeArguments,
    PersonArguments,
    Queries,
    UsageArguments,
)
from grantline.ledger.root_keys import open_root_keys
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, decision, event, ledger_in, outcome, randomness


def queries_of(world):
    roots = open_root_keys(world.places.root_key, randomness)
    publisher = world.ledger.publisher
    return Queries(world.stores.projections, PersonKeys(world.stores.keys, roots, randomness), lambda: publisher.last)


async def filled(world):
    await world.sequencer.append(
        Producer().says(about(), about("p_bob", "g_bob"), event(EventType.SIGN_IN, person="p_ann"))
    )
    gateway = Producer("gw1")
    permitted = (decision("g_one", f"ev_{at}", t=1_000 + at) for at in range(3))
    await world.sequencer.append(gateway.says(*permitted, outcome("ev_0", 200)))
    refused = decision("g_one", "ev_9", "deny", t=2_000, rsn="grant_withdrawn")
    await world.sequencer.append(gateway.says(outcome("ev_1", 502), refused, decision("g_bob", "ev_b", t=1_500)))


async def everything(queries):
    return (
        queries.usage(UsageArguments(("g_one", "g_bob", "g_never"))),
        queries.accesses(AccessesArguments("g_one", 10)),
        queries.around(AroundArguments("g_one", 1_500)),
        queries.life(LifeArguments("g_one")),
        queries.person_events(PersonArguments("p_ann", 10)),
    )


async def test_counts_calls_and_outcomes_are_those_of_the_entries(tmp_path):
    """Covers: line 7."""
    async with ledger_in(tmp_path) as world:
        await filled(world)
        queries = queries_of(world)
        usage, calls, (last, first), life, person = await everything(queries)
        assert set(usage) == {"g_one", "g_bob"}
        one = usage["g_one"]
        assert (one.allowed, one.refused, one.first_used, one.last_used) == (3, 1, 1_000, 1_002)
        assert one.fields == {"amount": (3, 1_002), "date": (3, 1_002)}
        assert [(call.index, call.decision, call.status) for call in calls] == [
            (9, "deny", None), (6, "permit", None), (5, "permit", 502), (4, "permit", 200),
        ]  # fmt: skip
        assert calls[-1].fields == ("amount", "date")
        assert (calls[-1].gateway, calls[-1].endpoint, calls[-1].consent) == ("gw1", "transactions", "g_one")
        assert (last.t, first.t, first.reason) == (1_002, 2_000, "grant_withdrawn")
        assert [each.type for each in life] == [EventType.CONSENT_GIVEN]
        assert [each.type for each in person] == [EventType.SIGN_IN, EventType.CONSENT_GIVEN]


async def test_a_permit_that_the_last_check_stopped_counts_as_refused(tmp_path):
    """Covers: P15, I4. Its outcome says so: the call never left, whatever the decision before it was."""
    async with ledger_in(tmp_path) as world:
        await filled(world)
        stopped = outcome("ev_2", 401, out="deny", rsn="grant_withdrawn")
        await world.sequencer.append(Producer("gw2").says(stopped))
        usage, calls, (last, first), *_ = await everything(queries_of(world))
        assert (usage["g_one"].allowed, usage["g_one"].refused, usage["g_one"].last_used) == (2, 2, 1_001)
        assert usage["g_one"].fields == {"amount": (2, 1_001), "date": (2, 1_001)}
        assert [(call.decision, call.reason) for call in calls[:2]] == [
            ("deny", "grant_withdrawn"), ("deny", "grant_withdrawn"),
        ]  # fmt: skip
        assert (last.t, first.t) == (1_001, 2_000)


async def test_days_and_fields_are_counted_within_their_window(tmp_path):
    """Covers: P3, P15. The window is a half-open stretch of time, so two beside each other count nothing twice."""
    day = 86_400_000_000
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(about()))
        made = [decision("g_one", f"ev_{at}", t=at * day // 2) for at in range(6)]
        refused = decision("g_one", "ev_9", "deny", t=2 * day)
        await world.sequencer.append(Producer("gw1").says(*made, refused))
        queries = queries_of(world)

        def days(since, until, offset=0):
            found = queries.days(DaysArguments("g_one", since, offset, until))
            return [(use.day, use.allowed, use.refused) for use in found]

        assert days(day, 2 * day) == [("1970-01-02", 2, 0)]
        assert days(day, None) == [("1970-01-02", 2, 0), ("1970-01-03", 2, 1)]
        assert days(0, day, 12 * 3_600) == [("1970-01-01", 1, 0), ("1970-01-02", 1, 0)]
        fields = queries.fields(FieldsArguments("g_one", since_us=2 * day))
        assert {(use.field, use.calls, use.last) for use in fields} == {
            ("amount", 2, 5 * day // 2), ("date", 2, 5 * day // 2),
        }  # fmt: skip


async def test_pages_go_on_where_the_last_one_ended(tmp_path):
    async with ledger_in(tmp_path) as world:
        await filled(world)
        queries = queries_of(world)
        first = queries.accesses(AccessesArguments("g_one", 2))
        second = queries.accesses(AccessesArguments("g_one", 2, before=first[-1].index))
        assert [call.index for call in first + second] == [9, 6, 5, 4]


async def test_projections_that_were_deleted_are_built_again_from_the_tree(tmp_path):
    """Covers: AUDIT §5.4."""
    async with ledger_in(tmp_path) as world:
        await filled(world)
        before = await everything(queries_of(world))
    for path in (tmp_path / "ledger").glob("projections.2.db*"):
        path.unlink()
    async with ledger_in(tmp_path) as world:
        assert await everything(queries_of(world)) == before


async def test_an_unknown_question_is_not_answered(tmp_path):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(NotFound):
            queries_of(world).ask("everything", b"{}")
