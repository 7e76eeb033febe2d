"""Which gateways hold a key of ours: what they say on each ping, counted over all that may admit a call."""

import pytest

from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.following import Following
from grantline.model.feed import Entry, Kind, Position
from grantline.model.ids import GatewayId
from grantline.model.reasons import Reason
from tests.feed_world import FENCE_MS, Gateway, World, claims

BANK, CALENDAR = GatewayId("bank"), GatewayId("calendar")


def holds(gateway: Gateway, *kids: str) -> None:
    """The gateway's loaded bundle has these keys."""
    gateway.following._keys = lambda: kids


async def test_a_key_is_lacking_until_every_gateway_has_said_that_it_holds_it() -> None:
    world = await World().start()
    one, other = await world.gateway("bank"), await world.gateway("calendar")
    assert world.feed.lacking("next") == (BANK, CALENDAR)
    holds(one, "now", "next")
    await one.round()
    assert world.feed.lacking("next") == (CALENDAR,)
    holds(other, "next")
    assert world.feed.lacking("next") == (CALENDAR,)
    await other.round()
    assert world.feed.lacking("next") == ()


async def test_a_gateway_that_loses_a_key_again_lacks_it() -> None:
    world = await World().start()
    gateway = await world.gateway("bank")
    holds(gateway, "next")
    await gateway.round()
    assert world.feed.lacking("next") == ()
    holds(gateway, "now")
    await gateway.round()
    assert world.feed.lacking("next") == (BANK,)


async def test_a_gateway_that_has_gone_counts_while_it_could_hold_a_lease() -> None:
    world = await World().start()
    gateway = await world.gateway("bank")
    await world.feed.gone(gateway.session)
    assert world.feed.lacking("next") == (BANK,)
    world.pass_ms(FENCE_MS)
    await world.feed.settle()
    assert world.feed.lacking("next") == ()


async def test_sessions_of_an_earlier_start_count_until_their_leases_are_over() -> None:
    world = await World().start()
    gateway = await world.gateway("bank")
    holds(gateway, "next")
    await gateway.round()
    await world.start()
    assert world.feed.lacking("next") == (BANK,)
    world.pass_ms(FENCE_MS)
    await world.feed.settle()
    assert world.feed.lacking("next") == ()


async def test_a_process_that_does_not_keep_the_feed_cannot_say() -> None:
    world = await World().start()
    await world.gateway("bank")
    former = world.feed
    await world.start()
    with pytest.raises(Exception, match="keeps the feed"):
        await former.beat()
    assert former.lacking("next") is None


async def test_a_follower_without_a_bundle_holds_no_key() -> None:
    world = await World().start()
    gateway = await world.gateway("bank")
    assert isinstance(gateway.following, Following)
    ack = await gateway.ack()
    assert ack is not None
    assert ack.keys == ()


def key_entry(seq: int, *, cut: bool) -> Entry:
    place = Position(1, seq) if cut else None
    return Entry(
        seq=seq, kind=Kind.KEY, id="k", cause=Reason.KEY_COMPROMISED, until=9_999_999_999, before_position=place
    )


def table(*entries: Entry) -> Cutoffs:
    from grantline.model.feed import Marks

    made = Cutoffs()
    made.start_from(Position(1, 0), bytes(32), Marks())
    made.apply(1, entries)
    return made


def test_whatever_a_key_signed_that_was_cut_off_is_refused_wherever_it_says_it_was_minted() -> None:
    cut = table(key_entry(1, cut=True))
    for seq in (Position(1, 0), Position(1, 1), Position(2**63, 2**63)):
        assert cut.refuses(claims(seq=seq), "k") is Reason.KEY_COMPROMISED
        assert cut.refuses(claims(seq=seq), "other") is None


def test_a_key_that_is_only_announced_refuses_nothing_and_is_not_kept() -> None:
    announced = table(key_entry(1, cut=False))
    assert announced.refuses(claims(), "k") is None
    assert len(announced) == 0


def test_a_cut_off_key_is_in_the_saved_table() -> None:
    again = Cutoffs.restored(table(key_entry(1, cut=True)).saved())
    assert again.refuses(claims(), "k") is Reason.KEY_COMPROMISED
