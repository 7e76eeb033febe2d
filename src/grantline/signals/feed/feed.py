"""Keeps the feed: tells gateways what ended, renews their leases, hears what they have applied."""

import asyncio
from collections.abc import Sequence

from grantline.model.clock import Clock
from grantline.model.errors import NotFound
from grantline.model.events import Event, EventType
from grantline.model.feed import Ack, Beat, Closure, Entries, Hello, Kind, Ping, Position, Welcome
from grantline.model.ids import GatewayId, Randomness, SessionId, opaque
from grantline.model.ports import Work
from grantline.signals.feed.closing import Closing
from grantline.signals.feed.operating import remove_gateway
from grantline.signals.feed.reading import Fresh, NotKeeper, Reading
from grantline.signals.feed.sessions import Roll, Session, Wire
from grantline.signals.feed.settings import FeedSettings
from grantline.signals.feed.tell import Teller
from grantline.signals.store import FeedLine, SessionRow, Transaction

CHUNK = 500
"""Entries in one message: stays far below the frame limit of any WebSocket library."""


class Feed:
    """One process's keeping of the feed. `start` first; then `push`, `beat`, `settle`, `prune` as time goes on."""

    def __init__(self, work: Work[Transaction], clock: Clock, randomness: Randomness, settings: FeedSettings) -> None:
        self._work = work
        self._clock = clock
        self._randomness = randomness
        self._settings = settings
        self._holder = opaque("keeper", randomness)
        self._teller = Teller(clock, randomness)
        self._roll = Roll()
        self._reading = Reading(work, clock, self._holder)
        self._opening = asyncio.Lock()
        self._shorten_at: int | None = None
        self.closing = Closing(
            work, clock, teller=self._teller, settings=settings, roll=self._roll, holder=self._holder
        )
        self.keeps = False

    # Beginning

    async def start(self) -> None:
        """Take the feed over. Every session that could hold a lease, and every open closure, counts from here."""

        async def take(tx: Transaction) -> tuple[int, Sequence[SessionRow]]:
            await tx.gateways.keeper.take(self._holder)
            longest = max(await tx.gateways.keeper.lease_ms(), self._settings.lease_ms)
            await tx.gateways.keeper.allow_lease(longest)
            return longest, await tx.gateways.sessions.waiting()

        self.closing.lease_ms, rows = await self._work.write(take)
        now = self._clock.boot_ns()
        self._shorten_at = now + self.closing.fence_ns if self.closing.lease_ms > self._settings.lease_ms else None
        for row in rows:
            former = Session(row.session, row.gateway, row.boot)
            former.disconnect(now)
            self._roll.add(former)
        await self._count_again()
        self.keeps = True

    async def _count_again(self) -> None:
        lines = await self._reading.load()
        base = self._reading.tail.base.seq

        async def read(tx: Transaction) -> tuple[frozenset[int], Sequence[Closure]]:
            return await tx.gateways.closures.closed_after(base), await tx.gateways.closures.not_drained(base)

        closed, not_drained = await self._work.read(read)
        self.closing.incarnation = self._reading.tail.incarnation
        now, wall = self._clock.boot_ns(), self._clock.wall_us()
        for line in lines:
            if line.entry.kind is Kind.GRANT and line.entry.seq not in closed:
                self.closing.begin(line, committed_us=wall, seen_us=wall, seen_ns=now)
        kept = {line.entry.seq: line for line in lines}
        for closure in not_drained:
            if closure.seq in kept:
                self.closing.resume(closure, kept[closure.seq], now)

    # Sessions

    async def open(self, gateway: GatewayId, hello: Hello, wire: Wire, *, key: str) -> Session:
        """Commit a session, then welcome it. `key`: thumbprint of the key it proved. Raises `NotKeeper`.

        An older session of the same key that is still connected gets no more beats: one of the two is a copy, or a
        connection that is dead without knowing. Either way it stays in the wait.
        """
        async with self._opening:
            name = SessionId(opaque("s", self._randomness))
            row = SessionRow(session=name, gateway=gateway, boot=hello.boot, opened_us=self._clock.wall_us())
            older = self._roll.renewed(gateway)
            await self._commit_session(row, self._opening_events(row, hello, older))
            for former in older:
                former.stop_beats(self._clock.boot_ns())
                if former.boot != hello.boot:
                    self._roll.mark_cloned(gateway)
            session = Session(name, gateway, hello.boot, hello.workers, wire, key=key)
            self._roll.add(session)
        self._welcome(session, hello.position)
        return session

    async def _commit_session(self, row: SessionRow, events: list[Event]) -> None:
        async def keep(tx: Transaction) -> bool:
            if not await tx.gateways.keeper.prove(self._holder):
                return False
            await tx.gateways.sessions.open(row)
            for event in events:
                await tx.outbox.append(event)
            return True

        if not await self._work.write(keep):
            self._depose()
            raise NotKeeper("Another process keeps the feed; connect again.")

    def _opening_events(self, row: SessionRow, hello: Hello, older: list[Session]) -> list[Event]:
        gateway, session, head = row.gateway, row.session, self._reading.tail.head
        events = [self._teller.gateway(EventType.GATEWAY_JOINED, "join", gateway, session=session, boot=row.boot)]
        for one in older:
            same = one.boot == row.boot
            detail = {"session": session, "older": one.session, "same_boot": same}
            events.append(self._teller.finding("gateway_key_used_twice", gateway, **detail))
        if hello.position is not None and hello.position > head:
            places = {"position": list(_pair(hello.position)), "head": list(_pair(head))}
            events.append(self._teller.finding("gateway_ahead_of_feed", gateway, **places))
        return events

    def _welcome(self, session: Session, position: Position | None) -> None:
        tail, settings = self._reading.tail, self._settings
        base = tail.base
        session.wire.send(
            Welcome(
                session.session,
                tail.incarnation,
                settings.lease_ms,
                settings.beat_ms,
                base.seq,
                base.chain.hex(),
                base.marks,
            )
        )
        if (
            position is not None
            and position.incarnation == tail.incarnation
            and base.seq <= position.seq <= tail.head.seq
        ):
            self._send_entries(session, position.seq, resync=False)
        else:
            self._send_entries(session, base.seq, resync=True)

    def _send_entries(self, session: Session, after: int, *, resync: bool) -> None:
        tail = self._reading.tail
        entries = tail.after(after)
        for start in range(0, max(len(entries), 1), CHUNK):
            part = entries[start : start + CHUNK]
            if part or resync:
                session.wire.send(Entries(tail.incarnation, resync and start == 0, part))
        session.sent = tail.head.seq

    def ping(self, session: Session, ping: Ping) -> None:
        """The last ping of the session's own boot is what beats echo."""
        if ping.boot == session.boot:
            session.ping = max(ping.n, session.ping or 0)

    async def acknowledge(self, session: Session, ack: Ack) -> bool:
        """Count what the session has applied, if it speaks of this session, boot and incarnation.

        True if an entry can now be closed or drained: `settle` has something to commit.
        """
        tail = self._reading.tail
        if (ack.session, ack.boot, ack.incarnation) != (session.session, session.boot, tail.incarnation):
            return False
        applied = min((seq for _, seq in ack.workers), default=0)
        if applied > tail.head.seq:
            await self._find("gateway_ahead_of_feed", session, position=applied)
            return False
        if ack.digest and tail.digest(applied) not in (None, ack.digest):
            await self._find("gateway_disagrees", session, position=applied)
            self._welcome(session, None)
            return False
        session.take(ack)
        session.fence_told = session.fence_told and session.acknowledged < tail.head.seq
        self.closing.hear(session, ack)
        return self.closing.due()

    async def gone(self, session: Session) -> None:
        """The connection has ended; whatever lease the session has runs on."""
        session.disconnect(self._clock.boot_ns())
        event = self._teller.gateway(EventType.GATEWAY_LEFT, "leave", session.gateway, session=session.session)
        ended_us = self._clock.wall_us()

        async def keep(tx: Transaction) -> None:
            await tx.gateways.sessions.ended(session.session, ended_us)
            await tx.outbox.append(event)

        await self._work.write(keep)

    async def remove(self, gateway: GatewayId) -> bool:
        """An operator takes a gateway out: no more beats, no new session. Its leases are waited for all the same.

        False if there is none.
        """
        try:
            await self._work.write(lambda tx: remove_gateway(tx, gateway, self._clock, self._randomness))
        except NotFound:
            return False
        await self._part_from_strangers()
        return True

    def lacking(self, kid: str) -> tuple[GatewayId, ...] | None:
        """Gateways that could admit a call and have not said that they hold this key of ours.

        None: another process keeps the feed, and only that one can say.
        """
        if not self.keeps:
            return None
        return tuple(sorted({one.gateway for one in self._roll.members() if kid not in one.keys}))

    async def _part_from_strangers(self) -> None:
        """Whoever was taken out, or proved a key that was replaced, by this process or another, gets no more beats."""
        renewed = [session for session in self._roll.members() if session.beats]
        if not renewed:
            return
        enrolled = await self._work.read(lambda tx: tx.gateways.enrolments.gateways())
        known = {(one.gateway, one.thumbprint) for one in enrolled}
        for session in renewed:
            if (session.gateway, session.key) not in known:
                session.stop_beats(self._clock.boot_ns())
                session.wire.drop()

    # As time goes on

    def wake(self) -> None:
        """A commit with feed entries just returned. Called on this process's own event loop."""
        self._reading.wake()

    async def push(self) -> None:
        """Read what was committed since, begin to count it, send it to whoever is connected."""
        try:
            self._spread(await self._reading.read())
        except NotKeeper:
            self._depose()
            raise

    async def beat(self) -> None:
        """Renew leases: note the pings that have arrived, prove to be the keeper by a write, read the head, echo.

        In this order alone: a head that was read before a ping arrived would renew over an entry in between. Where
        nobody pings there is nothing to prove.
        """
        await self._part_from_strangers()
        due = self._roll.beating()
        if not due:
            return
        try:
            head, fresh = await self._reading.prove()
        except NotKeeper:
            self._depose()
            raise
        self._spread(fresh)
        digest = self._reading.tail.digest(head.seq) or ""
        for session, ping in due:
            if session.beats:
                session.wire.send(Beat(session.session, session.boot, ping, head.incarnation, head.seq, digest))

    async def settle(self) -> None:
        """Commit and tell closures; retire sessions whose leases are certainly over; let a longer lease lapse."""
        try:
            await self.closing.settle()
        except NotKeeper:
            self._depose()
            raise
        now = self._clock.boot_ns()
        over = self._roll.over(now, self.closing.fence_ns)
        if over:
            await self._retire(over)
        if self._shorten_at is not None and now >= self._shorten_at:
            lease_ms = self._settings.lease_ms
            await self._work.write(lambda tx: tx.gateways.keeper.allow_lease(lease_ms))
            self.closing.lease_ms, self._shorten_at = lease_ms, None

    async def prune(self) -> None:
        """Forget entries whose tokens have expired by any verifier's clock."""
        base = await self._reading.prune(self._clock.wall_us() // 1_000_000 - self._settings.leeway_s)
        self.closing.forget(base)

    async def _retire(self, over: list[Session]) -> None:
        retired_us = self._clock.wall_us()

        async def retire(tx: Transaction) -> None:
            for session in over:
                await tx.gateways.sessions.retired(session.session, retired_us)

        await self._work.write(retire)
        for session in over:
            self._roll.retire(session)

    def _spread(self, fresh: Fresh) -> None:
        """Count the new entries from now, with everybody in the wait, and send them on."""
        for line in fresh.lines:
            self._count(line, fresh)
        if fresh.lines:
            for session in self._roll.connected():
                self._send_entries(session, session.sent, resync=False)

    def _count(self, line: FeedLine, fresh: Fresh) -> None:
        if line.entry.kind is Kind.GRANT:
            committed_us = fresh.committed_us(line)
            self.closing.begin(line, committed_us=committed_us, seen_us=fresh.seen_us, seen_ns=fresh.seen_ns)

    def rest(self) -> None:
        """Keep the feed no longer. A new `Feed` may take it over again, never this one."""
        self._depose()

    def _depose(self) -> None:
        """Somebody else keeps the feed, or it changed under us: no beats, no counting, no connections."""
        self.keeps = False
        now = self._clock.boot_ns()
        for session in self._roll.connected():
            session.stop_beats(now)
            session.wire.drop()
        self.closing.pulse()

    async def _find(self, what: str, session: Session, **detail: object) -> None:
        event = self._teller.finding(what, session.gateway, session=session.session, **detail)
        await self._work.write(lambda tx: tx.outbox.append(event))


def _pair(position: Position) -> tuple[int, int]:
    return position.incarnation, position.seq
