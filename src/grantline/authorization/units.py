"""Units of work whose refusals are kept: what was used up stays used up, whatever the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from grantline.authorization.store import Burnt, Transaction
from grantline.model.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidRequestObject,
    OAuthError,
    TemporarilyUnavailable,
)
from grantline.model.ports import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Burn:
    """Something that counts once. `digest`: SHA-256 of what identifies it; `until`: unix seconds."""

    purpose: str
    digest: bytes
    until: int


@dataclass(frozen=True, slots=True)
class _Refused:
    error: OAuthError


async def write(work: Work[Transaction], unit: Callable[[Transaction], Awaitable[T]], *, essential: bool = False) -> T:
    """Run the unit; a refusal of it is committed with what it wrote (proofs burned, a family ended), then raised.

    Errors of ours (status 500 and up) undo the unit instead. `essential`: as `Work.write`.
    """

    async def kept(tx: Transaction) -> T | _Refused:
        try:
            return await unit(tx)
        except OAuthError as error:
            if error.status >= 500:
                raise
            return _Refused(error)

    outcome = await work.write(kept, essential=essential)
    if isinstance(outcome, _Refused):
        raise outcome.error
    return outcome


PROOF = "proof"
ASSERTION = "assertion"
SIGNED_REQUEST = "request"


async def burn(tx: Transaction, burns: tuple[Burn, ...], now: int, capacity: int) -> None:
    """Use up proofs and assertions of this request; raises when one was used before or nothing more can be kept.

    The table is in the database, so another process and a restarted one know them too (checks 76, 99).
    """
    for one in burns:
        match await tx.burned.burn(one.purpose, one.digest, one.until, now=now, capacity=capacity):
            case Burnt.FRESH:
                continue
            case Burnt.SPENT if one.purpose == PROOF:
                raise InvalidDpopProof("This DPoP proof was used before.")
            case Burnt.SPENT if one.purpose == SIGNED_REQUEST:
                raise InvalidRequestObject("The signed request is not valid here.", detail="used before")
            case Burnt.SPENT:
                raise InvalidClient("The client did not prove who it is.", detail="assertion used before")
            case Burnt.FULL:
                raise TemporarilyUnavailable("Too many requests right now; try again shortly.", detail="burned full")
