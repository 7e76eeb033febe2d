"""What an operator does to the feed, from any process: the one that keeps the feed finds it within a beat."""

from grantline.model.clock import Clock
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from grantline.model.feed import Position
from grantline.model.ids import GatewayId, Randomness
from grantline.signals.feed.tell import Teller
from grantline.signals.store import Transaction

SKIP = 1_000_000_000
"""Numbers left out after a restore: more than can have been given since any backup."""


async def remove_gateway(tx: Transaction, gateway: GatewayId, clock: Clock, randomness: Randomness) -> None:
    """Take a gateway out: no more beats and no new session; its leases are waited for all the same.

    Raises `NotFound`.
    """
    if not await tx.gateways.enrolments.remove(gateway, clock.wall_us()):
        raise NotFound(f"There is no gateway {gateway}.")
    teller = Teller(clock, randomness)
    await tx.outbox.append(teller.gateway(EventType.GATEWAY_LEFT, "remove", gateway))


async def raise_incarnation(tx: Transaction, clock: Clock, randomness: Randomness) -> Position:
    """After the state was restored from a copy: gateways deny, take everything anew, and never mix the two pasts."""
    before = await tx.feed.position()
    after = await tx.gateways.feed.raise_incarnation(SKIP)
    await tx.outbox.append(Teller(clock, randomness).incarnation(before, after))
    return after
