"""GDPR Art. 30: which client used what kind of data for which purpose on what basis, how often, of how many people."""

from dataclasses import dataclass, field

import msgspec

from grantline.ledger.published import Published
from grantline.ledger.reports.counting import Period, Under, people, under, within


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """`people`: subjects counted by the month, so one who was there in two months counts twice. `proof`: the last event
    that was counted; `grantline ledger prove` proves it.
    """

    client: str
    purpose: str
    data: str
    allowed: int
    refused: int
    people: str
    proof: str


class Processing(msgspec.Struct, frozen=True, kw_only=True):
    """The report."""

    under: Under
    period: Period
    activities: tuple[Activity, ...]


@dataclass(slots=True)
class _Count:
    allowed: int = 0
    refused: int = 0
    subjects: set[str] = field(default_factory=set)
    proof: str = ""


def processing(published: Published, period: Period) -> Processing:
    """Counted over gateways' decisions. Raises `NotFound` before the first checkpoint."""
    quoted = under(published)
    counts: dict[tuple[str, str, str], _Count] = {}
    for each in within(published, period):
        if each.code != "gateway.decision":
            continue
        leaf = each.leaf
        count = counts.setdefault((leaf.get("client", ""), leaf.get("pur", ""), leaf["res"]), _Count())
        if leaf["out"] == "permit":
            count.allowed += 1
            count.subjects.add(leaf.get("ps", ""))
        else:
            count.refused += 1
        count.proof = leaf["id"]
    activities = tuple(
        Activity(
            client=client,
            purpose=purpose,
            data=data,
            allowed=count.allowed,
            refused=count.refused,
            people=people(len(count.subjects)),
            proof=count.proof,
        )
        for (client, purpose, data), count in sorted(counts.items())
    )
    return Processing(under=quoted, period=period, activities=activities)
