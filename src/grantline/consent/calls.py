"""Hands out the calls that a consent allows in all, in portions, so that several gateways never admit more together.

What a gateway was given counts as used, whether it used it or not: fewer calls may happen than were agreed, never more.
"""

from collections.abc import Iterable

from grantline.consent.store import CallsTransaction
from grantline.model.calls import CallsWanted
from grantline.model.consent import Item, Status, Version
from grantline.model.ids import ConsentId

FEW = 10
"""Of so few that are left, each is given singly: no gateway keeps what another may need."""
MOST = 100


async def give(tx: CallsTransaction, wanted: CallsWanted) -> int:
    """So many calls, taken from this consent and from everything that it is a part of; 0 when any of them has none.

    What limits nothing by now gives the largest portion, as what stands no longer limits gateways either.
    """
    limits = await _limits(tx, wanted)
    if limits is None:
        return 0
    name = name_of(wanted)
    left = [limit - await tx.calls.given(consent, name) for consent, limit in limits]
    calls = min((portion(one) for one in left), default=MOST)
    if calls:
        for consent, _ in limits:
            await tx.calls.give(consent, name, calls)
    return calls


def portion(left: int) -> int:
    """How many of those that are left go out at once."""
    if left <= 0:
        return 0
    return 1 if left <= FEW else min(MOST, left // FEW)


def name_of(wanted: CallsWanted) -> str:
    """Under what the calls are counted: what the items of all versions of a consent have in common."""
    return "/".join((wanted.api, wanted.datatype, wanted.action, wanted.purpose))


async def _limits(tx: CallsTransaction, wanted: CallsWanted) -> list[tuple[ConsentId, int]] | None:
    """Each limit on the way down from the first giver; None if something of it does not stand or does not allow it."""
    own = await _standing(tx, wanted.consent, None)
    if own is None:
        return None
    wholes = [await _standing(tx, link.grant, link.version) for link in own.ancestors]
    found: list[tuple[ConsentId, int]] = []
    for version in (own, *wholes):
        item = None if version is None else _item(version.granted, wanted)
        if version is None or item is None:
            return None
        if isinstance(item.calls, int):
            found.append((version.consent_id, item.calls))
    return found


async def _standing(tx: CallsTransaction, consent: ConsentId, number: int | None) -> Version | None:
    """That version of a consent that stands, its current one if none is named."""
    state = await tx.consents.get(consent)
    if state is None or state.status is not Status.ACTIVE:
        return None
    return await tx.consents.version(consent, state.version if number is None else number)


def _item(items: Iterable[Item], wanted: CallsWanted) -> Item | None:
    return next((item for item in items if is_about(item, wanted)), None)


def is_about(item: Item, wanted: CallsWanted) -> bool:
    """True if these calls are calls of this item."""
    same = (item.api, item.datatype, item.purpose) == (wanted.api, wanted.datatype, wanted.purpose)
    return same and wanted.action in item.actions
