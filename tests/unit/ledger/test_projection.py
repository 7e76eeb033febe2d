"""Readers get counts over entries, kept ready and buildable again from the tree."""

import pytest

from grantline.ledger.keys import PersonKeys
from grantline.ledger.queries import (
    AccessesArguments,
    AroundArguments,
    LifeArguments,
    PersonArguments,
    Queries,
    UsageArguments,
)
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, decision, event, ledger_in, outcome, randomness


def queries_of(world):
    root = world.places.root_key.read_bytes()
    publisher = world.ledger.publisher
    return Queries(world.stores.projections, PersonKeys(world.stores.keys, root, randomness), lambda: publisher.last)


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
    """Covers: check 84."""
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
    for path in (tmp_path / "ledger").glob("projections.db*"):
        path.unlink()
    async with ledger_in(tmp_path) as world:
        assert await everything(queries_of(world)) == before


async def test_an_unknown_question_is_not_answered(tmp_path):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(NotFound):
            queries_of(world).ask("everything", b"{}")
