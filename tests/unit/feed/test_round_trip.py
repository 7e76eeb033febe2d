"""One authority, one gateway, no faults: a withdrawal is applied, acknowledged, closed and drained."""

from typing import Any

import pytest
from msgspec.structs import replace

from grantline.model.events import EventType
from grantline.model.feed import ClosureState, Kind, Position
from grantline.model.reasons import Reason
from grantline.model.token import Confirmation
from tests.feed_world import World, claims


async def test_a_gateway_admits_only_after_a_beat_of_this_boot() -> None:
    """Covers: feed C12."""
    world = await World().start()
    gateway = await world.gateway()
    assert gateway.stands()
    gateway.boot(gateway.following.table.saved())
    assert gateway.standing.check(claims()) is Reason.FEED_STALE
    await gateway.connect()
    gateway.hear()
    assert gateway.standing.check(claims()) is Reason.FEED_STALE
    await gateway.round()
    assert gateway.stands()


async def test_a_withdrawal_is_refused_with_its_cause_and_told_closed_with_its_figures() -> None:
    """Covers: feed C8, I11."""
    world = await World().start()
    gateway = await world.gateway()
    seq = await world.end()
    assert (await world.closure(seq)).state is ClosureState.OPEN
    world.pass_ms(7)
    gateway.hear()
    assert gateway.standing.check(claims()) is Reason.GRANT_WITHDRAWN
    assert gateway.stands(claims(epoch=2))
    assert gateway.stands(claims(grant="other"))
    await gateway.ack()
    closure = await world.closure(seq)
    assert closure.state is ClosureState.CLOSED
    assert closure.closed_after_us == closure.drained_after_us == 7_000
    assert [(one.gateway, one.how, one.after_us) for one in closure.gateways] == [("bank", "acknowledged", 7_000)]
    told = [event for event in world.events() if event.consent == "g"]
    assert [event.type for event in told] == [EventType.CONSENT_CLOSED, EventType.CONSENT_DRAINED]
    assert (told[0].rsn, told[0].client) == ("grant_withdrawn", "app")


async def test_partial_names_who_is_waited_for() -> None:
    """Covers: feed C8."""
    world = await World().start()
    quick, slow = await world.gateway("quick"), await world.gateway("slow")
    seq = await world.end()
    quick.hear()
    await quick.ack()
    closure = await world.closure(seq)
    assert closure.state is ClosureState.PARTIAL
    assert {one.gateway: one.how for one in closure.gateways} == {"quick": "acknowledged", "slow": "waiting"}
    world.pass_ms(2_200)
    closure = await world.closure(seq)
    assert closure.state is ClosureState.CLOSED
    assert {one.gateway: one.how for one in closure.gateways} == {"quick": "acknowledged", "slow": "fenced"}
    assert closure.drained_after_us is None
    assert slow.standing.check(claims()) is Reason.FEED_STALE
    assert [event.detail["gateway"] for event in world.events() if event.type is EventType.GATEWAY_FENCED] == ["slow"]


MINE = claims(fam="f", cnf=Confirmation("k"), act={"sub": "agent", "act": {"sub": "outer"}})


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        (Kind.CLIENT, "app", {"client_id": "elsewhere"}),
        (Kind.SUBJECT, "s_1", {"sub": "s_2"}),
        (Kind.FAMILY, "f", {"fam": "f2"}),
        (Kind.TOKEN, "t_1", {"jti": "t_2"}),
        (Kind.KEY, "k", {"cnf": Confirmation("k2")}),
        (Kind.AGENT, "outer", {"act": {"sub": "agent"}}),
    ],
)
async def test_each_kind_of_cut_off_refuses_its_older_tokens_and_no_others(
    kind: Kind, name: str, other: dict[str, Any]
) -> None:
    """Covers: feed C10."""
    world = await World().start()
    gateway = await world.gateway()
    assert gateway.stands(MINE)
    seq = await world.enter(kind, name, cut_off=kind is not Kind.TOKEN)
    gateway.hear()
    assert gateway.standing.check(MINE) is Reason.GRANT_REVOKED
    assert gateway.stands(replace(MINE, **other))
    assert gateway.stands(replace(MINE, seq=Position(1, seq))) is (kind is not Kind.TOKEN)
