"""A caller who leaves while the permit is being recorded: the record says once that the call never went."""

import asyncio
from pathlib import Path

import pytest

from grantline.gateway.adapters.envoy import Questions
from grantline.gateway.enforce import Admitted, Refused
from grantline.gateway.flights import OVERDUE_SECONDS, Flights
from grantline.gateway.minimiser import Pending
from grantline.gateway.spool_recovery import recover
from grantline.model.errors import AuditUnavailable
from grantline.model.events import Event, EventType
from tests.unit.enforce.world import BANK, BASE, TRANSACTIONS, World


class Held:
    """The real record, whose decisions become durable when the test says so."""

    def __init__(self, world: World) -> None:
        self._append = world.spool.append
        self.asked = asyncio.Event()
        self.waiting: list[tuple[Event, asyncio.Future[int]]] = []
        world.spool.append = self.append  # type: ignore[method-assign]

    def append(self, event: Event, *, outcome: bool = False) -> asyncio.Future[int]:
        if outcome:
            return self._append(event, outcome=True)
        self.waiting.append((event, asyncio.get_running_loop().create_future()))
        self.asked.set()
        return self.waiting[-1][1]

    async def keep(self) -> None:
        """Everything that waits is durable now."""
        for event, told in self.waiting:
            seq = await self._append(event)
            if not told.done():
                told.set_result(seq)

    def fail(self) -> None:
        for _, told in self.waiting:
            if not told.done():
                told.set_exception(AuditUnavailable("The call could not be recorded."))


async def left_while_recording(
    world: World, target: str = TRANSACTIONS
) -> tuple[Held, asyncio.Task[Admitted | Refused]]:
    held = Held(world)
    deciding = asyncio.create_task(world.decide(target))
    await held.asked.wait()
    return held, deciding


async def gone(deciding: asyncio.Task[Admitted | Refused]) -> None:
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding


def told(events: list[Event]) -> list[tuple[str, str, str | None]]:
    return [(event.type.value, event.out, event.rsn) for event in events]


PERMIT = (EventType.GATEWAY_DECISION.value, "permit", None)
NEVER_WENT = (EventType.GATEWAY_OUTCOME.value, "deny", "not_forwarded")


async def test_a_permit_whose_caller_left_gets_one_outcome_that_it_never_went(world: World, tmp_path: Path) -> None:
    held, deciding = await left_while_recording(world)
    await gone(deciding)
    assert await world.events() == []
    await held.keep()
    await asyncio.sleep(0)
    decision, outcome = await world.events()
    assert told([decision, outcome]) == [PERMIT, NEVER_WENT]
    assert outcome.detail["evaluation"] == decision.detail["evaluation"]
    assert (outcome.detail["decision_seq"], outcome.consent) == (1, decision.consent)
    assert world.standing._calls._calls == {}
    assert recover(tmp_path / "spool").open == ()


async def test_leaving_at_the_very_moment_of_durability_is_no_different(world: World) -> None:
    held, deciding = await left_while_recording(world)
    seq = await held._append(held.waiting[0][0])
    held.waiting[0][1].set_result(seq)
    await gone(deciding)
    await asyncio.sleep(0)
    assert told(await world.events()) == [PERMIT, NEVER_WENT]
    assert world.standing._calls._calls == {}


async def test_a_permit_that_was_never_kept_needs_no_outcome(world: World) -> None:
    held, deciding = await left_while_recording(world)
    await gone(deciding)
    held.fail()
    await asyncio.sleep(0)
    assert await world.events() == []
    assert world.gateway.lost_outcomes == 0


async def test_a_refusal_whose_caller_left_is_recorded_and_nothing_more(world: World) -> None:
    held, deciding = await left_while_recording(world, f"{TRANSACTIONS}?fields=iban")
    await gone(deciding)
    await held.keep()
    await asyncio.sleep(0)
    assert told(await world.events()) == [(EventType.GATEWAY_DECISION.value, "deny", "field_not_granted")]


async def test_a_call_that_never_left_is_not_told_again_when_its_time_is_over(world: World) -> None:
    """A filtered call waits for the minimiser; one that was abandoned waits no more."""
    pending = Pending(lambda: world.clock.us / 1_000_000)
    flights = Flights(world.gateway, pending, world.clock)
    questions = Questions(world.gateway, flights, BANK, BASE)
    call = world.call()
    first = await questions.answer(call.method, call.path, call.headers)
    assert isinstance(first, Admitted)
    questions.gone(first)
    assert pending.take(first.permit.evaluation) is None
    world.spool.delivered(2)
    world.clock.forward(OVERDUE_SECONDS + 3)
    world.lease()
    later = await world.decide()
    assert isinstance(later, Admitted)
    flights.begin(later)
    ended = [event.rsn for event in await world.events() if event.type is EventType.GATEWAY_OUTCOME]
    assert [reason for reason in ended if reason == "outcome_unknown"] == []
