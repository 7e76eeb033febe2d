"""The whole protocol under the worst network there is: what was sent arrives late, twice, in any order or never."""

from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from grantline.gateway.cutoffs import Cutoffs, SavedTable
from grantline.gateway.following import Lost
from grantline.gateway.standing import Departure, Stands
from grantline.model.feed import Ack, ClosureState, Entry, FromAuthority, Ping
from grantline.model.token import AccessClaims
from grantline.signals.feed.feed import Feed
from grantline.signals.feed.sessions import Session
from tests.feed_world import Gateway, Rules, World, claims

GRANTS = ("a", "b")
TOKENS = {
    "a": claims("a"),
    "b": claims("b"),
    "child": claims("child", lin=(("a", 1), ("child", 1))),
}
ENDED_BY = {"a": {"a", "child"}, "b": {"b"}}
RATES = (0.955, 1.0, 1.045)
"""Clocks of gateways against the authority's: within the margin of five in a hundred."""


class CallAfterClosed(AssertionError):
    """S1 does not hold."""


@dataclass
class Under:
    """A message under way to the authority: of one session, at one start of it."""

    feed: Feed
    session: Session
    message: Ping | Ack


@dataclass
class Call:
    """A call at a gateway: checked once, perhaps twice, not begun upstream yet."""

    gateway: int
    worker: int
    token: AccessClaims
    first: Stands
    departure: Departure | None = None


class Lagging:
    """Mixed into a worker: the second one takes entries into its decision path only when its turn comes."""

    def apply(self, incarnation: int, entries: Iterable[Entry]) -> None:
        self.pending: list[tuple[int, tuple[Entry, ...]]] = [
            *getattr(self, "pending", []),
            (incarnation, tuple(entries)),
        ]
        if self.worker == "0":  # type: ignore[attr-defined]
            self.catch_up()

    def adopt(self, table: Cutoffs) -> None:
        self.pending = []
        super().adopt(table)  # type: ignore[misc]

    def catch_up(self) -> None:
        for incarnation, entries in getattr(self, "pending", []):
            super().apply(incarnation, entries)  # type: ignore[misc]
        self.pending = []


class FeedMachine(RuleBasedStateMachine):
    """S1: no call begins upstream after the ending of its consent, or of one it descends from, was told CLOSED."""

    rules_in_force: ClassVar[type[Rules]] = Rules

    @initialize(rates=st.tuples(st.sampled_from(RATES), st.sampled_from(RATES)))
    def begin(self, rates: tuple[float, float]) -> None:
        rules = self.rules_in_force()
        rules.standing = type("LaggingWorker", (Lagging, rules.standing), {})
        self.world = now(World(rules).start())
        self.gateways = [now(self.world.gateway(f"gateway-{n}", workers=2, rate=rate)) for n, rate in enumerate(rates)]
        self.up: list[Under] = []
        self.down: list[tuple[Gateway, FromAuthority]] = []
        self.saved: list[list[SavedTable | None]] = [[None], [None]]
        self.calls: list[Call] = []
        self.ended: dict[str, int] = {}
        self.closed: set[str] = set()

    # The world

    @rule(milliseconds=st.sampled_from((20, 100, 100, 300, 1_900, 2_200)))
    def time_passes(self, milliseconds: int) -> None:
        self.world.pass_ms(milliseconds)
        self._tell()

    @precondition(lambda self: self.up)
    @rule(data=st.data(), again=st.booleans())
    def something_reaches_the_authority(self, data: st.DataObject, again: bool) -> None:
        index = data.draw(st.integers(0, len(self.up) - 1))
        under = self.up[index] if again else self.up.pop(index)
        if under.feed is not self.world.feed:
            return
        match under.message:
            case Ping() as ping:
                under.feed.ping(under.session, ping)
            case Ack() as ack:
                now(under.feed.acknowledge(under.session, ack))
                self._tell()

    @precondition(lambda self: self.down)
    @rule(data=st.data(), again=st.booleans())
    def something_reaches_a_gateway(self, data: st.DataObject, again: bool) -> None:
        index = data.draw(st.integers(0, len(self.down) - 1))
        gateway, message = self.down[index] if again else self.down.pop(index)
        self._deliver(gateway, message)

    @precondition(lambda self: self.up or self.down)
    @rule()
    def everything_under_way_is_lost(self) -> None:
        self.up.clear()
        self.down.clear()

    # Gateways

    @rule(which=st.integers(0, 1))
    def a_worker_catches_up(self, which: int) -> None:
        self.gateways[which].workers[1].catch_up()  # type: ignore[attr-defined]

    @rule(which=st.integers(0, 1))
    def a_gateway_speaks(self, which: int) -> None:
        gateway = self.gateways[which]
        self._send(gateway, gateway.following.ping())
        ack = gateway.following.acknowledgement()
        if ack is not None:
            self._send(gateway, ack)

    @rule(which=st.integers(0, 1), data=st.data())
    def a_gateway_restarts(self, which: int, data: st.DataObject) -> None:
        gateway = self.gateways[which]
        self.calls = [call for call in self.calls if call.gateway != which]
        gateway.boot(data.draw(st.sampled_from(self.saved[which])))
        self._connect(gateway)

    @rule(which=st.integers(0, 1))
    def a_gateway_connects_again(self, which: int) -> None:
        self._connect(self.gateways[which])

    @rule()
    def healthy_rounds_everywhere(self) -> None:
        for which in (0, 1):
            self.a_healthy_round(which)

    @rule(which=st.integers(0, 1))
    def a_healthy_round(self, which: int) -> None:
        """Entries, a ping, its beat and an acknowledgement, without a fault."""
        gateway = self.gateways[which]
        if gateway.session not in self.world.feed._roll.connected():
            self._connect(gateway)
        self._hear(gateway)
        gateway.ping()
        now(self.world.feed.beat())
        self._hear(gateway)
        self.a_worker_catches_up(which)
        now(gateway.ack())
        self.saved[which].append(gateway.following.table.saved())
        self._tell()

    # Calls: every worker is tried with every token, so that one wrong yes is enough

    @rule()
    def calls_pass_the_first_check(self) -> None:
        self.calls = [call for call in self.calls if call.departure]
        for which, gateway in enumerate(self.gateways):
            for worker in (0, 1):
                for token in TOKENS.values():
                    first = gateway.workers[worker].check(token)
                    if isinstance(first, Stands):
                        self.calls.append(Call(which, worker, token, first))

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 1))
    def calls_pass_the_second_check(self, which: int) -> None:
        for call in [call for call in self.calls if call.gateway == which and call.departure is None]:
            departure = self.gateways[which].workers[call.worker].depart(call.token, call.first)
            if isinstance(departure, Departure):
                call.departure = departure
            else:
                self.calls.remove(call)

    @precondition(lambda self: any(call.departure for call in self.calls))
    @rule()
    def calls_begin_upstream(self) -> None:
        for call in [call for call in self.calls if call.departure]:
            self.calls.remove(call)
            if call.departure is not None:
                self._begin(call.token, call.departure)

    @rule()
    def calls_go_straight_through(self) -> None:
        for gateway in self.gateways:
            for worker in gateway.workers:
                for token in TOKENS.values():
                    first = worker.check(token)
                    departure = worker.depart(token, first) if isinstance(first, Stands) else first
                    if isinstance(departure, Departure):
                        self._begin(token, departure)

    # The authority

    @rule(grant=st.sampled_from(GRANTS))
    def a_consent_is_withdrawn(self, grant: str) -> None:
        if grant not in self.ended:
            self.ended[grant] = now(self.world.end(grant))
            self._collect()

    @rule()
    def the_authority_beats(self) -> None:
        now(self.world.feed.beat())
        self._collect()

    @rule()
    def the_authority_restarts(self) -> None:
        now(self.world.start())
        for gateway in self.gateways:
            self._connect(gateway)

    # Helpers

    def _begin(self, token: AccessClaims, departure: Departure) -> None:
        over = {ended for grant in self.closed for ended in ENDED_BY[grant]}
        if self.world.upstream(departure) and token.grant_id in over:
            raise CallAfterClosed(token.grant_id)
        departure.left()
        departure.ended()

    def _tell(self) -> None:
        """Whatever can be closed is committed and told at once."""
        for grant, seq in self.ended.items():
            if grant not in self.closed and now(self.world.closure(seq)).state is ClosureState.CLOSED:
                self.closed.add(grant)

    def _hear(self, gateway: Gateway) -> None:
        self._collect()
        for told in [told for told in self.down if told[0] is gateway]:
            self.down.remove(told)
            self._deliver(gateway, told[1])

    def _connect(self, gateway: Gateway) -> None:
        self._collect()
        if gateway.session in self.world.feed._roll.connected():
            now(self.world.feed.gone(gateway.session))
        now(gateway.connect())
        self._collect()

    def _collect(self) -> None:
        """What the authority sent is under way."""
        for gateway in self.gateways:
            self.down += [(gateway, message) for message in gateway.inbox]
            gateway.inbox.clear()

    def _send(self, gateway: Gateway, message: Ping | Ack) -> None:
        self.up.append(Under(self.world.feed, gateway.session, message))

    def _deliver(self, gateway: Gateway, message: FromAuthority) -> None:
        try:
            gateway.following.receive(message)
        except Lost:
            self._connect(gateway)


def now(step: Coroutine[Any, Any, Any]) -> Any:
    """Run a step to its end: the in-memory database never waits."""
    try:
        step.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the step waited")
