"""The gateway's end of the feed protocol: what to say, what to believe. No sockets and no waiting."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from grantline.gateway.cutoffs import Cutoffs, Gap
from grantline.gateway.lease import Lease, SendTimes
from grantline.model.clock import Clock
from grantline.model.feed import Ack, Beat, Entries, Entry, FromAuthority, Hello, Marks, Ping, Position, Welcome
from grantline.model.ids import ConsentId

PRUNE_EVERY_S = 10


class Worker(Protocol):
    """Whoever admits calls with tables of its own. `Standing` is one."""

    @property
    def worker(self) -> str: ...
    def adopt(self, table: Cutoffs) -> None: ...
    def apply(self, incarnation: int, entries: Iterable[Entry]) -> None: ...
    def renew(self, lease: Lease | None) -> None: ...
    def prune(self, now: int) -> None: ...
    def acknowledged(self) -> int: ...
    def busy(self) -> tuple[ConsentId, ...]: ...


class Lost(Exception):
    """This session cannot go on; connect again. Admission has ended already if the reason asks for it."""


class Following:
    """One boot of one gateway, over all its sessions. Until a beat of this boot renews, its workers admit nothing.

    `finding`: told the code of whatever must not happen. `loaded`: whether the bundle with these marks is in use.
    `keys`: kids of the authority's keys that are in use.
    """

    def __init__(
        self,
        *,
        boot: str,
        clock: Clock,
        workers: Sequence[Worker],
        table: Cutoffs | None = None,
        loaded: Callable[[Marks], bool] = lambda _marks: True,
        finding: Callable[[str], None] = lambda _code: None,
        keys: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.boot = boot
        self.table = Cutoffs() if table is None else table
        self._clock = clock
        self._workers = workers
        self._loaded = loaded
        self._finding = finding
        self._keys = keys
        self._sent = SendTimes()
        self._welcome: Welcome | None = None
        self._lease: Lease | None = None
        self._pruned_at = 0
        self.sessions = 0
        """How many sessions were welcomed."""
        for worker in workers:
            worker.adopt(self.table)

    # What to say

    def hello(self) -> Hello:
        """Begins a session: nothing that an earlier session was told counts in it."""
        self._welcome = None
        return Hello(self.boot, self.table.position, tuple(worker.worker for worker in self._workers))

    def ping(self) -> Ping:
        """To be sent at once: a renewal counts from this moment on our own clock."""
        now = self._clock.boot_ns()
        if self._welcome is not None:
            self._sent.forget_before(now - self._welcome.lease_ms * 1_000_000)
        return Ping(self.boot, self._sent.next(now))

    def acknowledgement(self) -> Ack | None:
        """All workers, cumulative; repeated with every ping, for the last one may not have arrived."""
        position, welcome = self.table.position, self._welcome
        if position is None or welcome is None or position.incarnation != welcome.incarnation:
            return None
        applied = tuple((worker.worker, worker.acknowledged()) for worker in self._workers)
        even = all(seq == position.seq for _, seq in applied)
        digest = self.table.digest if even and self._loaded(self.table.marks) else ""
        busy = dict.fromkeys(grant for worker in self._workers for grant in worker.busy())
        return Ack(welcome.session, self.boot, welcome.incarnation, digest, applied, tuple(busy), self._keys())

    # What to believe

    def receive(self, message: FromAuthority) -> None:
        """Take one message. Raises `Lost` when only a new session can help."""
        match message:
            case Welcome():
                self._begin(message)
            case Entries():
                self._extend(message)
            case Beat():
                self._renew(message)

    def _begin(self, welcome: Welcome) -> None:
        self._welcome = welcome
        self.sessions += 1
        position = self.table.position
        if position is not None and position.incarnation != welcome.incarnation:
            self._stop("feed_incarnation_changed")

    def _extend(self, message: Entries) -> None:
        welcome = self._welcome
        if welcome is None:
            return
        if message.incarnation != welcome.incarnation:
            self._start_over("feed_incarnation_changed")
        if message.resync:
            self._restart_from(welcome)
        try:
            self.table.apply(message.incarnation, message.entries)
        except Gap as gap:
            raise Lost(str(gap)) from gap
        for worker in self._workers:
            try:
                worker.apply(message.incarnation, message.entries)
            except Gap:
                worker.adopt(self.table)

    def _renew(self, beat: Beat) -> None:
        """Take a lease for the echoed ping, if the beat is of this session and boot and no entry is missing."""
        welcome, position = self._welcome, self.table.position
        if welcome is None or (beat.session, beat.boot) != (welcome.session, self.boot):
            return
        if position is None:
            return
        if beat.incarnation != position.incarnation:
            self._start_over("feed_incarnation_changed")
        if beat.head < position.seq:
            self._start_over("feed_head_below_position")
        sent = self._sent.at(beat.ping)
        if sent is None or beat.head > position.seq:
            return
        if beat.digest != self.table.digest:
            self._start_over("feed_disagrees")
        self._take(Lease(sent + welcome.lease_ms * 1_000_000, Position(beat.incarnation, beat.head)))

    def _take(self, lease: Lease) -> None:
        if self._lease is not None and lease.until_ns <= self._lease.until_ns:
            return
        self._lease = lease
        for worker in self._workers:
            worker.renew(lease)

    # When trust is lost

    def _restart_from(self, welcome: Welcome) -> None:
        base = Position(welcome.incarnation, welcome.base_seq)
        self._drop_lease()
        self.table.start_from(base, bytes.fromhex(welcome.base_chain), welcome.base_marks)
        for worker in self._workers:
            worker.adopt(self.table)

    def _start_over(self, code: str) -> None:
        """Deny, forget the position, and ask for everything in a new session."""
        self._stop(code)
        self.table.position = None
        raise Lost(code)

    def _stop(self, code: str) -> None:
        self._finding(code)
        self._drop_lease()

    def _drop_lease(self) -> None:
        self._lease = None
        for worker in self._workers:
            worker.renew(None)

    # As time goes on

    def tidy(self) -> None:
        """Drop what can no longer matter; a wall clock that went back further than the leeway means to start over."""
        now = self._clock.wall_us() // 1_000_000
        if self.table.stepped_back(now):
            self.table.pruned_at = now
            self._start_over("wall_clock_stepped_back")
        if abs(now - self._pruned_at) >= PRUNE_EVERY_S:
            self._pruned_at = now
            self.table.prune(now)
            for worker in self._workers:
                worker.prune(now)
