"""PCI DSS 4.0.1, 10.2.1.1 to .7: that each kind of event is logged, how often, and where to look."""

import msgspec

from grantline.ledger.formats.record import Record
from grantline.ledger.published import Published
from grantline.ledger.reports.counting import Period, Under, under, within

KINDS = {
    "10.2.1.1": "access to people's data",
    "10.2.1.2": "acts of administrators",
    "10.2.1.3": "access to the audit log",
    "10.2.1.4": "invalid attempts",
    "10.2.1.5": "changes of credentials",
    "10.2.1.6": "start, stop and gaps of the audit log",
    "10.2.1.7": "objects created and deleted",
}
_BY_CODE = {
    "registry.client": "10.2.1.2", "registry.catalog": "10.2.1.2", "registry.policy": "10.2.1.2",
    "registry.issuer": "10.2.1.2", "gateway.enrolled": "10.2.1.2", "consent.revoked": "10.2.1.2",
    "key.rotated": "10.2.1.2", "retention.purged": "10.2.1.2", "log.pruned": "10.2.1.2", "ledger.held": "10.2.1.2",
    "ledger.hold_lifted": "10.2.1.2", "privacy.erased": "10.2.1.2", "identity.locked": "10.2.1.2",
    "identity.unlocked": "10.2.1.2", "ledger.queried": "10.2.1.3", "identity.sign_in_failed": "10.2.1.4",
    "identity.enrolled": "10.2.1.5", "identity.password_changed": "10.2.1.5", "signin.method_added": "10.2.1.5",
    "signin.method_removed": "10.2.1.5", "signin.method_used_up": "10.2.1.5", "log.started": "10.2.1.6",
    "log.gap": "10.2.1.6", "client.registered": "10.2.1.7", "client.removed": "10.2.1.7", "consent.given": "10.2.1.7",
    "consent.withdrawn": "10.2.1.7", "consent.expired": "10.2.1.7",
}  # fmt: skip


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """`first`, `last`: entries of the log; `proof`: the last event of the kind. None of it where there was none."""

    requirement: str
    about: str
    count: int
    first: int | None
    last: int | None
    proof: str | None


class Logging(msgspec.Struct, frozen=True, kw_only=True):
    """The report."""

    under: Under
    period: Period
    kinds: tuple[Kind, ...]


def logging(published: Published, period: Period) -> Logging:
    """Raises `NotFound` before the first checkpoint."""
    quoted = under(published)
    found: dict[str, list[Record]] = {name: [] for name in KINDS}
    counts = dict.fromkeys(KINDS, 0)
    for each in within(published, period):
        name = requirement(each)
        if name is not None:
            counts[name] += 1
            found[name] = [*found[name][:1], each]
    kinds = tuple(
        Kind(
            requirement=name,
            about=about,
            count=counts[name],
            first=found[name][0].index if found[name] else None,
            last=found[name][-1].index if found[name] else None,
            proof=found[name][-1].leaf["id"] if found[name] else None,
        )
        for name, about in KINDS.items()
    )
    return Logging(under=quoted, period=period, kinds=kinds)


def requirement(record: Record) -> str | None:
    """Which of them an entry is logged for; None for the rest."""
    if record.code == "gateway.decision":
        return "10.2.1.1" if record.leaf["out"] == "permit" else "10.2.1.4"
    return _BY_CODE.get(record.code)
