"""Admitted calls whose answers pass the minimiser: their filters wait for it, their outcomes come back from it."""

from collections import OrderedDict
from typing import Protocol

from grantline.gateway.enforce import Admitted, Gateway
from grantline.gateway.minimiser import Pending
from grantline.model.clock import Clock
from grantline.model.ids import EvaluationId

OVERDUE_SECONDS = 120.0
"""After its context ended and this long, a call has had every timeout there is: it never came by."""


class Ended(Protocol):
    """What the minimiser reports of a call."""

    @property
    def evaluation(self) -> EvaluationId: ...
    @property
    def status(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def ms(self) -> float: ...


class Flights:
    """One process's calls between decision and minimiser."""

    def __init__(self, gateway: Gateway, pending: Pending, clock: Clock) -> None:
        self._gateway, self._pending, self._clock = gateway, pending, clock
        self._open: OrderedDict[EvaluationId, Admitted] = OrderedDict()

    def begin(self, admitted: Admitted) -> None:
        """Keep the filter of a call about to be handed over; raises `PendingFull`, then the call must not go."""
        obligation = admitted.permit.filter
        if obligation is None:
            return
        self._sweep()
        evaluation = admitted.permit.evaluation
        self._pending.put(evaluation, obligation, admitted.context_exp)
        self._open[evaluation] = admitted

    def report(self, ended: Ended) -> None:
        """The minimiser is done with a call (status 0: nothing reached the client)."""
        admitted = self._open.pop(ended.evaluation, None)
        if admitted is not None:
            self._gateway.finish(admitted, status=ended.status or None, sent=ended.sent, ms=ended.ms)

    def abandon(self, admitted: Admitted) -> None:
        """A call that was kept here never left after all; its outcome is told once, and its filter is nobody's."""
        self._open.pop(admitted.permit.evaluation, None)
        self._pending.take(admitted.permit.evaluation)
        self._gateway.abandon(admitted)

    def _sweep(self) -> None:
        """Calls that never came by are over, and nobody can say how."""
        now = self._clock.wall_us() / 1_000_000
        while self._open:
            oldest = next(iter(self._open.values()))
            if oldest.context_exp + OVERDUE_SECONDS > now:
                return
            self._open.popitem(last=False)
            self._gateway.finish(oldest, status=None, sent=0, ms=0.0)
