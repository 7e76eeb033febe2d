"""When the two ends do not agree: a finding, no lease, and everything anew."""

import pytest
from msgspec.structs import replace

from grantline.gateway.following import Lost
from grantline.model.events import EventType
from grantline.model.feed import Ack, Beat, Kind, Position
from grantline.model.reasons import Reason
from tests.feed_world import Gateway, World, claims


def _beat(world: World, gateway: Gateway, **change: object) -> Beat:
    beat = next(message for message in gateway.inbox if isinstance(message, Beat))
    gateway.inbox.clear()
    return replace(beat, **change)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"incarnation": 2}, "feed_incarnation_changed"),
        ({"head": 0}, "feed_head_below_position"),
        ({"digest": "other"}, "feed_disagrees"),
    ],
)
async def test_a_beat_that_contradicts_the_table_ends_admission_at_once(
    change: dict[str, object], finding: str
) -> None:
    """Covers: feed C10, feed C6."""
    world = await World().start()
    gateway = await world.gateway()
    await world.end("other")
    await gateway.round()
    assert gateway.stands()
    gateway.ping()
    await world.feed.beat()
    with pytest.raises(Lost, match=finding):
        gateway.following.receive(_beat(world, gateway, **change))
    assert gateway.findings == [finding]
    assert gateway.standing.check(claims()) is Reason.FEED_STALE
    await gateway.connect()
    await gateway.round()
    assert gateway.stands()
    assert gateway.standing.check(claims("other")) is Reason.GRANT_WITHDRAWN


async def test_an_acknowledgement_with_another_digest_is_a_finding_and_a_resync() -> None:
    """Covers: feed C6."""
    world = await World().start()
    gateway = await world.gateway()
    seq = await world.end()
    gateway.hear()
    ack = gateway.following.acknowledgement()
    assert isinstance(ack, Ack)
    await world.feed.acknowledge(gateway.session, replace(ack, digest="other"))
    assert not await world.closed(seq)
    assert [event.rsn for event in world.events() if event.type is EventType.FINDING] == ["gateway_disagrees"]
    gateway.hear()
    assert gateway.standing.check(claims("x")) is Reason.FEED_STALE
    await gateway.round()
    assert await world.closed(seq)
    assert gateway.stands(claims("x"))


@pytest.mark.parametrize("change", [{"session": "s_other"}, {"boot": "other"}, {"incarnation": 9}])
async def test_an_acknowledgement_of_another_session_boot_or_incarnation_counts_for_nothing(
    change: dict[str, object],
) -> None:
    """Covers: feed C6, feed C7."""
    world = await World().start()
    gateway = await world.gateway()
    seq = await world.end()
    gateway.hear()
    ack = gateway.following.acknowledgement()
    assert ack is not None
    await world.feed.acknowledge(gateway.session, replace(ack, **change))
    assert not await world.closed(seq)
    await world.feed.acknowledge(gateway.session, ack)
    assert await world.closed(seq)


async def test_a_second_live_session_of_one_key_is_a_finding_and_the_older_gets_no_more_beats() -> None:
    """Covers: feed C7."""
    world = await World().start()
    older = await world.gateway("bank")
    newer = await world.gateway("bank")
    findings = [event for event in world.events() if event.type is EventType.FINDING]
    assert [(event.rsn, event.detail["older"]) for event in findings] == [
        ("gateway_key_used_twice", older.session.session)
    ]
    older.inbox.clear()
    older.ping()
    newer.ping()
    await world.feed.beat()
    assert not [message for message in older.inbox if isinstance(message, Beat)]
    assert [message for message in newer.inbox if isinstance(message, Beat)]
    seq = await world.end()
    newer.hear()
    await newer.ack()
    assert not await world.closed(seq)
    older.hear()
    await older.ack()
    assert await world.closed(seq)


async def test_sessions_that_are_long_over_are_in_no_new_wait() -> None:
    """Covers: feed C7."""
    world = await World().start()
    gateway = await world.gateway()
    await world.feed.gone(gateway.session)
    early = await world.end("early")
    assert not await world.closed(early)
    world.pass_ms(2_200)
    assert await world.closed(early)
    late = await world.end("late")
    assert await world.closed(late)
    assert (await world.closure(late)).gateways == ()


async def test_entries_are_pruned_and_a_gateway_behind_the_base_takes_everything_anew() -> None:
    """Covers: feed C13."""
    world = await World().start()
    gateway = await world.gateway()
    saved = gateway.following.table.saved()
    await world.end("old")
    world.pass_ms(361_000)
    await world.end("new")
    await world.feed.settle()
    await world.feed.prune()
    gateway.boot(saved)
    await gateway.connect()
    await gateway.round()
    assert gateway.following.table.position == Position(1, 2)
    assert gateway.stands(claims("old"))
    assert gateway.standing.check(claims("new")) is Reason.GRANT_WITHDRAWN
    await world.start()
    await gateway.connect()
    await gateway.round()
    assert gateway.stands(claims("old"))


async def test_an_unwritable_database_beats_nobody() -> None:
    """Covers: feed C2."""
    world = await World().start()
    gateway = await world.gateway()
    world.work.connection.execute("PRAGMA query_only=ON")
    gateway.inbox.clear()
    gateway.ping()
    with pytest.raises(Exception, match="readonly"):
        await world.feed.beat()
    assert gateway.inbox == []


async def test_a_policy_announced_between_the_checks_refuses_the_call() -> None:
    """Covers: feed C4."""
    world = await World().start()
    gateway = await world.gateway()
    first = gateway.standing.check(claims())
    assert not isinstance(first, Reason)
    await world.enter(Kind.POLICY, "new")
    gateway.hear()
    assert gateway.standing.depart(claims(), first) is Reason.POLICY_ERROR
    assert not isinstance(gateway.standing.depart(claims()), Reason)
