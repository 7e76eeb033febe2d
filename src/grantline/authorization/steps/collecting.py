"""The client comes for what the person said: not yet, too soon, too late, no, or the first tokens (RFC 8628 §3.5)."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from grantline.authorization.elsewhere import ElsewhereRow, Result
from grantline.authorization.families import end_family
from grantline.authorization.grants import Authorized, Redeeming
from grantline.authorization.steps.spending import spend
from grantline.authorization.tickets import (
    KIND_OF_WAY,
    Answer,
    BackchannelTicket,
    CodeTicket,
    DeviceTicket,
    Kept,
    find,
)
from grantline.model.errors import AuthorizationPending, ExpiredToken, InvalidGrant, OAuthError, PollSlower

SLOWER_S = 5
"""RFC 8628 §3.5, CIBA §11."""


class Declined(OAuthError):
    """The person, or a rule, said no (RFC 8628 §3.5)."""

    code = "access_denied"


Collected = TypeVar("Collected", DeviceTicket, BackchannelTicket)


@dataclass(frozen=True, slots=True)
class Words(Generic[Collected]):
    """What one grant calls its handle. `replayed`: what ends a family, for the record."""

    kind: type[Collected]
    spent: str
    foreign: str
    replayed: str


async def collect(redeeming: Redeeming, words: Words[Collected], handle: str, wanted: tuple[str, ...]) -> Authorized:
    """The first tokens; raises what the client has to hear instead. `wanted`: resources asked for now."""
    tx = redeeming.tx
    kept = await find(tx.tickets, words.kind, handle)
    row = None if kept is None else await tx.elsewhere.get(kept.body.id)
    if kept is None or row is None:
        raise InvalidGrant(words.spent, detail="no such handle")
    # Bindings come first: only who is meant can learn of the answer, slow the client down, or be taken for a replay.
    _require_bindings(redeeming, kept, words)
    code = await _agreed(redeeming, kept, row)
    if kept.redeemed:
        await end_family(redeeming.server, tx, code.family, code.consent, why=words.replayed, finding=True)
        raise InvalidGrant(words.spent, detail="used before; its tokens were ended")
    await _require_person(redeeming, code)
    return await spend(redeeming, code, wanted, (KIND_OF_WAY[row.way], kept.digest), words.spent)


def _require_bindings(redeeming: Redeeming, kept: Kept[Collected], words: Words[Collected]) -> None:
    """Client and key (check 142); which one failed is for the operator alone."""
    wrong = (
        (kept.body.client != redeeming.client.id, "another client's"),
        (kept.body.jkt is not None and kept.body.jkt != redeeming.jkt, "bound to another key"),
    )
    for fails, why in wrong:
        if fails:
            raise InvalidGrant(words.foreign, detail=why)


async def _agreed(redeeming: Redeeming, kept: Kept[Collected], row: ElsewhereRow) -> CodeTicket:
    """What the person agreed to. Raises what it is instead."""
    if not kept.redeemed and not kept.is_open(redeeming.now):
        raise ExpiredToken("There was no answer in time; begin again.")
    if kept.row.notes is None:
        raise await _not_yet(redeeming, row)
    answer = msgspec.json.decode(kept.row.notes, type=Answer)
    if answer.code is None or (row.result is Result.REFUSED and not kept.redeemed):
        raise Declined("The person did not allow it.", detail=answer.error or "taken back since")
    return answer.code


async def _not_yet(redeeming: Redeeming, row: ElsewhereRow) -> AuthorizationPending | PollSlower:
    """Pending; who asked before its interval was over has a longer one from now on, also at another process."""
    too_soon = row.polled_at is not None and redeeming.now - row.polled_at < row.interval
    await redeeming.tx.elsewhere.polled(row.id, redeeming.now, row.interval + SLOWER_S * too_soon)
    if too_soon:
        return PollSlower(f"Ask again after {row.interval + SLOWER_S} seconds.")
    return AuthorizationPending("The person has not answered yet.")


async def _require_person(redeeming: Redeeming, code: CodeTicket) -> None:
    """Who was locked since they answered gives nothing any more (check 145)."""
    person = await redeeming.tx.people.by_id(code.person)
    if person is None or person.locked_at is not None:
        raise Declined("The person did not allow it.", detail="locked or gone since")
