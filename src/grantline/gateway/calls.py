"""Calls that a consent allows in all: a gateway admits those that the authority gave it, and asks when none is left."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

from grantline.model.calls import CallsWanted
from grantline.model.clock import Clock
from grantline.model.consent import EnforcedVersion
from grantline.model.decision import Located
from grantline.model.ids import ConsentId, PurposeId
from grantline.model.reasons import Reason

SPENT_FOR_NS = 5_000_000_000
"""So long nobody asks again where none was left: a person who allows more is heard soon enough."""
PATIENCE_S = 1.5
CAPACITY = 10_000

Ask = Callable[[CallsWanted], Awaitable[int]]
"""Asks the authority for more; raises what its transport raises."""


class Calls:
    """What this gateway may still admit, in memory: what is left when it stops is lost, so never more than was agreed.

    `failures` is told the operator's sentence when the authority does not answer.
    """

    def __init__(
        self, ask: Ask, clock: Clock, *, failures: Callable[[str], None] = lambda _text: None, capacity: int = CAPACITY
    ) -> None:
        self._ask, self._clock, self._failures, self._capacity = ask, clock, failures, capacity
        self._left: OrderedDict[CallsWanted, int] = OrderedDict()
        self._spent: OrderedDict[CallsWanted, int] = OrderedDict()
        self._under_way: dict[CallsWanted, asyncio.Future[Reason | None]] = {}

    async def take(self, wanted: CallsWanted) -> Reason | None:
        """Use one call up; `limit_reached` if there is none, `limit_unknown` if nobody can say.

        Callers that find none left share one question; one that gives up does not end it.
        """
        while not self._left.get(wanted):
            if self._clock.boot_ns() < self._spent.get(wanted, 0):
                return Reason.LIMIT_REACHED
            refused = await asyncio.shield(self._asked(wanted))
            if refused is not None:
                return refused
        self._left[wanted] -= 1
        self._left.move_to_end(wanted)
        return None

    def _asked(self, wanted: CallsWanted) -> "asyncio.Future[Reason | None]":
        running = self._under_way.get(wanted)
        if running is None:
            running = self._under_way[wanted] = asyncio.ensure_future(self._more(wanted))
            running.add_done_callback(lambda _done: self._under_way.pop(wanted, None))
        return running

    async def _more(self, wanted: CallsWanted) -> Reason | None:
        try:
            given = await asyncio.wait_for(self._ask(wanted), PATIENCE_S)
        except Exception as error:  # Whatever the transport raises, the call is refused and the next one may try.
            self._failures(f"calls could not be asked for: {error!r}")
            return Reason.LIMIT_UNKNOWN
        if given <= 0:
            _keep(self._spent, wanted, self._clock.boot_ns() + SPENT_FOR_NS, self._capacity)
            return Reason.LIMIT_REACHED
        _keep(self._left, wanted, self._left.get(wanted, 0) + given, self._capacity)
        return None


def limited(versions: Iterable[EnforcedVersion], located: Located, purpose: PurposeId) -> CallsWanted | None:
    """What a call uses up, where any of the consents that it stands on sets a limit; its own comes first."""
    consent: ConsentId | None = None
    found = False
    for version in versions:
        consent = consent or version.consent_id
        for item in version.items:
            same = (item.api, item.datatype, item.purpose) == (located.api, located.datatype, purpose)
            found |= isinstance(item.calls, int) and same and located.action in item.actions
    if not found or consent is None:
        return None
    return CallsWanted(
        consent=consent, api=located.api, datatype=located.datatype, action=located.action, purpose=purpose
    )


def _keep(kept: OrderedDict[CallsWanted, int], wanted: CallsWanted, value: int, capacity: int) -> None:
    kept[wanted] = value
    kept.move_to_end(wanted)
    while len(kept) > capacity:
        kept.popitem(last=False)
