"""Shortest breaking runs about the table: lineage, numbering, incarnations, restarts, mints and cut-offs."""

from typing import Any

from msgspec.structs import replace

from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.following import Following, Lost
from grantline.gateway.standing import Standing
from grantline.model.feed import Ack, Beat, Kind, Marks, Position
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.sessions import Session
from grantline.signals.store import FeedBase
from tests.feed_world import Gateway, MemoryWork, Rules, World, claims
from tests.unit.feed.runs import Run

SKIP = 1_000_000
RE_ENTERED = 1


class OwnGrantOnly(Standing):
    """Looks at the token's own grant and not at those it came from."""

    def _refused(self, token: AccessClaims, signer: str = "") -> Reason | None:
        return super()._refused(replace(token, lin=()), signer)


async def lineage(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    child = claims("child", lin=(("parent", 1), ("child", 1)))
    seq = await world.end("parent", cause=Reason.GRANT_SUPERSEDED)
    gateway.hear()
    await gateway.ack()
    return await world.closed(seq) and world.upstream(gateway.standing.depart(child))


class PositionAlone(Standing):
    """Starts with the saved position and an empty table."""

    def adopt(self, table: Cutoffs) -> None:
        super().adopt(table)
        self._cutoffs._entries.clear()


async def table_with_position(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    gateway.hear()
    await gateway.ack()
    assert await world.closed(seq)
    gateway.boot(gateway.following.table.saved())
    await gateway.connect()
    await gateway.round()
    assert gateway.stands(claims("other"))
    return world.upstream(gateway.standing.depart(claims()))


class AnyIncarnation(Following):
    """Takes a position for a number, and no digest for an answer."""

    def _renew(self, beat: Beat) -> None:
        super()._renew(replace(beat, digest=self.table.digest))

    def acknowledgement(self) -> Ack | None:
        ack = super().acknowledgement()
        return None if ack is None else replace(ack, digest="")

    def receive(self, message: Any) -> None:
        position = self.table.position
        if position is not None and hasattr(message, "incarnation"):
            for table in (self.table, *(worker._cutoffs for worker in self._workers)):  # type: ignore[attr-defined]
                table.position = Position(message.incarnation, position.seq)
        super().receive(message)

    def hello(self) -> Any:
        hello = super().hello()
        return replace(hello, position=replace(hello.position, incarnation=2)) if hello.position else hello


async def _failover(world: World, standby: MemoryWork, *, skip: int) -> None:
    """The standby lacks what was committed since it was copied; it takes over as the next incarnation."""
    world.work = standby
    await standby.write(lambda tx: tx.gateways.feed.raise_incarnation(skip))
    await world.start()


async def _reconnect(gateway: Gateway) -> None:
    """Connect, as often as the gateway finds that it has to start over."""
    for _ in range(3):
        await gateway.connect()
        try:
            await gateway.round()
            await gateway.round()
            return
        except Lost:
            continue
    raise AssertionError("never settled")


async def incarnation(rules: Rules) -> bool:
    """S5: the follower has entry 1; a failover loses it; another ending takes its number. True if it is skipped."""
    world = await World(rules).start()
    gateway = await world.gateway()
    standby = world.work.copy()
    await world.end("lost")
    gateway.hear()
    await _failover(world, standby, skip=0)
    await world.end("g")
    await _reconnect(gateway)
    return gateway.standing.check(claims()) is not Reason.GRANT_WITHDRAWN


class CutByTime(Standing):
    """Compares the token's time with the entry's, as two clocks have it."""

    cut_at = 1_800_000_000

    def _refused(self, token: AccessClaims, signer: str = "") -> Reason | None:
        cut = self._cutoffs._entries.get((Kind.CLIENT, token.client_id))
        return Reason.GRANT_REVOKED if cut is not None and token.iat <= self.cut_at else None


async def cut_off_by_position(rules: Rules) -> bool:
    """Minted by a clock that is one second ahead, cut off by one that is not: the token only looks younger."""
    world = await World(rules).start()
    gateway = await world.gateway()
    before = await world.work.read(lambda tx: tx.feed.position())
    token = claims(iat=1_800_000_001, seq=before)
    await world.enter(Kind.CLIENT, "app", cut_off=True)
    gateway.hear()
    assert gateway.stands(claims(client_id="other"))
    return gateway.stands(token)


class NumbersUsedAgain(Standing):
    """Compares numbers across a failover as if they were of one sequence."""

    def _refused(self, token: AccessClaims, signer: str = "") -> Reason | None:
        here = self._cutoffs.position
        assert here is not None
        cut = self._cutoffs._entries.get((Kind.CLIENT, token.client_id))
        if cut is None or cut.before_position is None:
            return None
        again = cut.before_position.seq - SKIP - RE_ENTERED
        return Reason.GRANT_REVOKED if token.seq.seq < again else None


async def jump_at_failover(rules: Rules) -> bool:
    """A token is minted at 2; the failover goes back to 1; the cut-off would take 2."""
    world = await World(rules).start()
    gateway = await world.gateway()
    await world.end("first")
    standby = world.work.copy()
    await world.end("lost")
    token = claims(seq=await world.work.read(lambda tx: tx.feed.position()))
    await _failover(world, standby, skip=SKIP)
    await world.enter(Kind.CLIENT, "app", cut_off=True)
    await _reconnect(gateway)
    assert gateway.stands(claims(client_id="other"))
    return gateway.stands(token)


class SendsNothingOld(Feed):
    """After a failover, begins the feed where it stands."""

    def _welcome(self, session: Session, position: Position | None) -> None:
        tail = self._reading.tail
        if tail.incarnation > 1:
            tail.forget(FeedBase(seq=tail.head.seq, chain=tail.link))
        super()._welcome(session, position)


async def kept_entries_outlive_a_failover(rules: Rules) -> bool:
    """What was ended before a failover, and is still kept, is refused after it too."""
    world = await World(rules).start()
    gateway = await world.gateway()
    await world.end("g")
    await _failover(world, world.work.copy(), skip=SKIP)
    gateway.boot(None)
    await _reconnect(gateway)
    return gateway.stands()


class NoLeeway(Standing):
    """Forgets an ending as soon as its tokens expire by this clock."""

    def prune(self, now: int) -> None:
        super().prune(now + 61)


async def kept_until_expiry_and_leeway(rules: Rules) -> bool:
    """C13: the verifier allows a minute on `exp`; the entry must outlive that."""
    world = await World(rules).start()
    gateway = await world.gateway()
    await world.end()
    gateway.hear()
    world.pass_ms(330_000)
    gateway.following.tidy()
    await gateway.round()
    assert gateway.stands(claims("other"))
    return gateway.stands()


class OldBundle(Standing):
    """Goes on with the policy it has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded = lambda _marks: True


class WatchesBundle(Standing):
    """Has the first policy; the second is never loaded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded = lambda marks: marks == Marks("policy-1", "")


async def announced_policy_is_loaded_first(rules: Rules) -> bool:
    if rules.standing is Standing:
        rules.standing = WatchesBundle
    world = await World(rules).start()
    await world.enter(Kind.POLICY, "policy-1")
    gateway = await world.gateway()
    assert gateway.stands()
    await world.enter(Kind.POLICY, "policy-2")
    gateway.hear()
    return gateway.stands()


RUNS = (
    Run("lineage", "C3", lineage, lambda: Rules(standing=OwnGrantOnly)),
    Run("table with position", "C12", table_with_position, lambda: Rules(standing=PositionAlone)),
    Run("incarnation", "C10", incarnation, lambda: Rules(following=AnyIncarnation)),
    Run("cut-off by position", "C10, C11", cut_off_by_position, lambda: Rules(standing=CutByTime)),
    Run("jump at failover", "C10", jump_at_failover, lambda: Rules(standing=NumbersUsedAgain)),
    Run("kept until expiry and leeway", "C13", kept_until_expiry_and_leeway, lambda: Rules(standing=NoLeeway)),
    Run("announced policy first", "C4", announced_policy_is_loaded_first, lambda: Rules(standing=OldBundle)),
    Run("kept over a failover", "C10", kept_entries_outlive_a_failover, lambda: Rules(feed=SendsNothingOld)),
)
