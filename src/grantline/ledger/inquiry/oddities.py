"""What should not have been is marked when it is projected: an investigator asks for marks and reads no haystack."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from grantline.ledger.inquiry.port import Odd
from grantline.ledger.projection import ENDS
from grantline.ledger.store import AccessRow, LifeRow, Projected

SOON_US = 600_000_000
"""A call let through within this time after the same one was refused is worth a look."""
_CACHE = 16_384


class Ended(NamedTuple):
    """A consent, by its keyed name, and when it ended (unix µs)."""

    ref: str
    t: int


@dataclass(slots=True)
class Standing:
    """One consent as calls under it are judged. `refused`: endpoint → when, if nothing was let through there since."""

    ended: int | None = None
    purposes: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)

    def live(self, row: LifeRow) -> None:
        """What happened to the consent."""
        self.purposes.update(orjson.loads(row.purposes))
        if row.type in ENDS and self.ended is None:
            self.ended = row.t

    def judge(self, row: AccessRow) -> Odd:
        """The marks of a call that comes next."""
        before = self.refused.pop(row.endpoint, None)
        if row.decision != "permit":
            self.refused[row.endpoint] = row.t
            return Odd(0)
        marks = Odd(0)
        if self.ended is not None and row.t > self.ended:
            marks |= Odd.AFTER_END
        if row.purpose is not None and self.purposes and row.purpose not in self.purposes:
            marks |= Odd.OTHER_PURPOSE
        if before is not None and row.t - before <= SOON_US:
            marks |= Odd.AFTER_REFUSAL
        return marks


class Judging:
    """Marks calls as they come. `recall` reads a consent's standing that is not at hand."""

    def __init__(self, recall: Callable[[str], Standing]) -> None:
        self._recall = recall
        self._known: OrderedDict[str, Standing] = OrderedDict()

    def mark(self, rows: Projected) -> tuple[list[AccessRow], list[Ended]]:
        """The calls with their marks, and consents that ended now: calls that came before may have been later."""
        marked: list[AccessRow] = []
        ended: list[Ended] = []
        for row in _in_order(rows):
            if isinstance(row, AccessRow):
                marked.append(row._replace(odd=int(self._standing(row.ref).judge(row))))
            elif row.ref is not None:
                self._standing(row.ref).live(row)
                if row.type in ENDS:
                    ended.append(Ended(row.ref, row.t))
        return marked, ended

    def forget(self) -> None:
        """What was marked was not kept, or somebody was forgotten: read everything anew."""
        self._known.clear()

    def _standing(self, ref: str) -> Standing:
        standing = self._known.get(ref)
        if standing is None:
            standing = self._known[ref] = self._recall(ref)
            if len(self._known) > _CACHE:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(ref)
        return standing


def _in_order(rows: Projected) -> Iterable[AccessRow | LifeRow]:
    return sorted((*rows.accesses, *rows.lives), key=lambda row: row.idx)
