"""Shortest breaking runs about the lease and the check (S1: no call begins upstream after CLOSED was told)."""

import asyncio
from collections.abc import Callable

from grantline.gateway.departures import Departures
from grantline.gateway.following import Following
from grantline.gateway.lease import Lease, SendTimes
from grantline.gateway.standing import Departure, Standing, Stands
from grantline.model.feed import Beat, Entries, Position, Welcome
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.reading import Fresh, Reading
from tests.feed_world import FENCE_MS, Rules, World, claims
from tests.unit.feed.runs import Run

# Second check


class NoSecondCheck(Standing):
    """Lets through whatever passed the first check."""

    def depart(self, token: AccessClaims, first: Stands | None = None, signer: str = "") -> Reason | Departure:
        assert first is not None
        return Departure(first, self._calls, self._calls.begin(token, first.position.seq))


async def second_check(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    first = gateway.standing.check(claims())
    assert isinstance(first, Stands)
    seq = await world.end()
    gateway.hear()
    await gateway.ack()
    assert await world.closed(seq)
    return world.upstream(gateway.standing.depart(claims(), first))


# Send time


class FromReceipt(SendTimes):
    """A lease that counts from when the beat arrived."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__()
        self._now = now

    def at(self, n: int) -> int | None:
        return self._now()


class LeaseFromReceipt(Following):
    def hello(self):  # type: ignore[no-untyped-def]
        self._sent = FromReceipt(self._clock.boot_ns)
        return super().hello()


async def send_time(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    gateway.ping()
    await world.feed.beat()
    seq = await world.end()
    world.pass_ms(1_900)
    gateway.hear(Beat)
    world.pass_ms(FENCE_MS - 1_900)
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


# Head


class HeadNotCompared(Following):
    """Renews for the place where it happens to stand."""

    def _renew(self, beat: Beat) -> None:
        sent, position = self._sent.at(beat.ping), self.table.position
        if sent is not None and position is not None and self._welcome is not None:
            self._take(Lease(sent + self._welcome.lease_ms * 1_000_000, position))


async def head_in_the_beat(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    saved = gateway.following.table.saved()
    seq = await world.end()
    gateway.hear()
    await gateway.ack()
    assert await world.closed(seq)
    gateway.boot(saved)
    await gateway.connect()
    gateway.ping()
    await world.feed.beat()
    gateway.hear(Welcome, Beat)
    return world.upstream(gateway.standing.depart(claims()))


class HeadBeforePing(Feed):
    """Reads the head, then looks which pings have arrived."""

    async def beat(self) -> None:
        head, fresh = await self._reading.prove()
        self._spread(fresh)
        digest = self._reading.tail.digest(head.seq) or ""
        for session, ping in self._roll.beating():
            session.wire.send(Beat(session.session, session.boot, ping, head.incarnation, head.seq, digest))


async def ping_first_then_head(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    gateway.ping()
    world.work.held = asyncio.Event()
    beating = asyncio.ensure_future(world.feed.beat())
    await asyncio.sleep(0)
    held, world.work.held = world.work.held, None
    seq = await world.end()
    world.pass_ms(FENCE_MS - 200)
    gateway.ping()
    held.set()
    await beating
    gateway.hear(Beat)
    world.pass_ms(200)
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


class UnprovedReading(Reading):
    """A process that thinks it still keeps the feed, and tells the head it remembers."""

    async def prove(self) -> tuple[Position, Fresh]:
        return self.tail.head, Fresh([], 0, 0, 0)


class BeatsWithoutProof(Feed):
    async def start(self) -> None:
        self._reading = UnprovedReading(self._work, self._clock, self._holder)
        await super().start()


async def head_from_the_keeper(rules: Rules) -> bool:
    """The gateway hangs on a process that was deposed; the new keeper writes, waits and closes."""
    world = await World(rules).start()
    gateway = await world.gateway()
    deposed = world.feed
    await world.start()
    seq = await world.end()
    for _ in range(10):
        world.pass_ms(FENCE_MS / 10)
        deposed.ping(gateway.session, gateway.following.ping())
        try:
            await deposed.beat()
        except Exception:
            assert not deposed.keeps
        gateway.hear()
    return await world.closed(seq) and world.upstream(gateway.standing.depart(claims()))


# Position


class SlowWorker(Standing):
    """Takes entries into its decision path only when told."""

    def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self.stuck = self.worker == "1"

    def apply(self, incarnation, entries):  # type: ignore[no-untyped-def]
        if not self.stuck:
            super().apply(incarnation, entries)


class LeaseWithoutPosition(SlowWorker):
    """Uses a lease whatever its own tables have applied."""

    def _take(self) -> Lease | None:
        return self._lease


async def lease_bound_to_a_position(rules: Rules) -> bool:
    if rules.standing is Standing:
        rules.standing = SlowWorker
    world = await World(rules).start()
    gateway = await world.gateway(workers=2)
    saved = gateway.following.table.saved()
    seq = await world.end()
    for worker in gateway.workers:
        worker.stuck = False  # type: ignore[attr-defined]
    gateway.hear()
    await gateway.ack()
    assert await world.closed(seq)
    gateway.boot(saved)
    await gateway.connect()
    await gateway.round()
    assert gateway.following.table.position == Position(1, seq)
    return world.upstream(gateway.standing.depart(claims()))


# One boot


class AnyBoot(Following):
    """Takes the echo of a ping number for its own, whoever sent it."""

    def _renew(self, beat: Beat) -> None:
        assert self._welcome is not None
        mine = Beat(self._welcome.session, self.boot, beat.ping, beat.incarnation, beat.head, beat.digest)
        super()._renew(mine)


async def pings_that_belong_to_one_boot(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    saved = gateway.following.table.saved()
    await world.feed.beat()
    late = [message for message in gateway.inbox if isinstance(message, Beat)]
    seq = await world.end()
    gateway.hear(Entries)
    await gateway.ack()
    assert await world.closed(seq)
    gateway.boot(saved)
    await gateway.connect()
    gateway.ping()
    gateway.hear(Welcome)
    for beat in late:
        gateway.following.receive(beat)
    assert late
    return world.upstream(gateway.standing.depart(claims()))


# The gap between check and upstream


class LongContext(Standing):
    """Gives every call thirty seconds, whatever is left of the lease."""

    def _before_end(self, lease: Lease) -> Reason | Stands:
        stands = super()._before_end(lease)
        if isinstance(stands, Reason):
            return stands
        return Stands(stands.position, stands.marks, stands.until_ns, 30 * 10**9, self._clock.wall_us() + 30_000_000)


async def context_ends_with_the_lease(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    departure = gateway.standing.depart(claims())
    seq = await world.end()
    world.pass_ms(FENCE_MS + 1)
    assert await world.closed(seq)
    return world.upstream(departure)


class Interrupted(Standing):
    """Something happens while the tables are being read: before, or after."""

    before: Callable[[], None] = staticmethod(lambda: None)
    after: Callable[[], None] = staticmethod(lambda: None)

    def _refused(self, token: AccessClaims, signer: str = "") -> Reason | None:
        self.before()
        answer = super()._refused(token, signer)
        self.after()
        return answer


class TableThenLease(Interrupted):
    def check(self, token: AccessClaims, signer: str = "") -> Reason | Stands:
        refused = self._refused(token)
        if refused is not None:
            return refused
        lease = self._take()
        return Reason.FEED_STALE if lease is None else self._before_end(lease)


class LeaseThenTable(Interrupted):
    def check(self, token: AccessClaims, signer: str = "") -> Reason | Stands:
        lease = self._take()
        if lease is None:
            return Reason.FEED_STALE
        yes = self._before_end(lease)
        refused = self._refused(token)
        return yes if refused is None else refused


async def table_then_lease(rules: Rules) -> bool:
    """Stopped just after the table was read; the ending is applied and a new lease comes before the lease is read."""
    if rules.standing is Standing:
        rules.standing = Interrupted
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()
    held = [message for message in gateway.inbox if isinstance(message, Entries)]
    gateway.inbox.clear()
    gateway.ping()

    def meanwhile() -> None:
        world.pass_ms(FENCE_MS)
        gateway.following.receive(held[0])
        world.feed.ping(gateway.session, gateway.following.ping())
        _drive(world.feed.beat())
        gateway.hear(Beat)
        _drive(world.feed.settle())

    gateway.standing.after = meanwhile  # type: ignore[attr-defined]
    departure = gateway.standing.depart(claims())
    return await world.closed(seq) and world.upstream(departure)


async def lease_then_table(rules: Rules) -> bool:
    """Stopped between the two until the lease is over; the ending was never delivered. Judged at admission."""
    if rules.standing is Standing:
        rules.standing = Interrupted
    world = await World(rules).start()
    gateway = await world.gateway()
    seq = await world.end()

    def meanwhile() -> None:
        world.pass_ms(FENCE_MS)
        _drive(world.feed.settle())

    gateway.standing.before = meanwhile  # type: ignore[attr-defined]
    departure = gateway.standing.depart(claims())
    return await world.closed(seq) and isinstance(departure, Departure)


def _drive(step) -> None:  # type: ignore[no-untyped-def]
    """The in-memory database never waits, so a step runs to its end at once."""
    try:
        step.send(None)
    except StopIteration:
        return
    raise AssertionError("the step waited")


class AckInsideTheGap(Departures):
    def acknowledgeable(self, applied: int) -> int:
        return applied


class ForgetsWhoWaits(Standing):
    def __init__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self._calls = AckInsideTheGap(self._clock, None)


async def ack_outside_the_gap(rules: Rules) -> bool:
    world = await World(rules).start()
    gateway = await world.gateway()
    departure = gateway.standing.depart(claims())
    assert isinstance(departure, Departure)
    seq = await world.end()
    gateway.hear()
    await gateway.ack()
    broken = await world.closed(seq) and world.upstream(departure)
    departure.left()
    departure.ended()
    await gateway.ack()
    assert await world.closed(seq)
    return broken


RUNS = (
    Run("second check", "C4", second_check, lambda: Rules(standing=NoSecondCheck)),
    Run("send time", "C3", send_time, lambda: Rules(following=LeaseFromReceipt)),
    Run("head in the beat", "C2, C3", head_in_the_beat, lambda: Rules(following=HeadNotCompared)),
    Run("ping first, then head", "C2", ping_first_then_head, lambda: Rules(feed=HeadBeforePing)),
    Run("head from the keeper", "C2", head_from_the_keeper, lambda: Rules(feed=BeatsWithoutProof)),
    Run("lease bound to a position", "C3", lease_bound_to_a_position, lambda: Rules(standing=LeaseWithoutPosition)),
    Run("pings of one boot", "C2", pings_that_belong_to_one_boot, lambda: Rules(following=AnyBoot)),
    Run("context ends with the lease", "C5", context_ends_with_the_lease, lambda: Rules(standing=LongContext)),
    Run("table then lease", "C4", table_then_lease, lambda: Rules(standing=TableThenLease)),
    Run("lease then table", "C4", lease_then_table, lambda: Rules(standing=LeaseThenTable)),
    Run("ack outside the gap", "C4", ack_outside_the_gap, lambda: Rules(standing=ForgetsWhoWaits)),
)
