"""Each access: what was asked, the answer and why, and its ledger entry (P3, P15). No values of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grantline.ledger.reading import Access
from grantline.model.ids import ApiId, ConsentId
from grantline.model.text import counted
from grantline.ui.kit import Formats, When, entry_number
from grantline.ui.portal.services import Connection, EndpointLabel
from grantline.ui.portal.views.words import refusal


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One call: what was asked, the answer and why, its ledger entry."""

    kind: str
    index: int
    at: When
    what: str
    extent: str
    why: str
    code: str
    href: str
    number: str


@dataclass(frozen=True, slots=True)
class AccessDay:
    """The calls of one day."""

    day: When
    rows: tuple[AccessRow, ...]


def access_days(
    accesses: Sequence[Access], connection: Connection, endpoint: EndpointLabel, formats: Formats
) -> tuple[AccessDay, ...]:
    """Accesses, newest first, under their days."""
    purposes = {line.purpose: line.purpose_label for line in connection.lines}
    days: dict[str, list[Access]] = {}
    for access in accesses:
        days.setdefault(formats.date_key(access.t), []).append(access)
    return tuple(
        AccessDay(_day_head(rows[0].t, formats), tuple(_access(row, purposes, endpoint, formats) for row in rows))
        for rows in days.values()
    )


def entry_href(consent: ConsentId, index: int) -> str:
    """Where an entry of a connection is shown among its neighbours."""
    return f"/connections/{consent}/accesses?before={index + 1}#entry-{index}"


def _access(access: Access, purposes: Mapping[str, str], endpoint: EndpointLabel, formats: Formats) -> AccessRow:
    allowed = access.decision == "permit"
    purpose = purposes.get(access.purpose or "", access.purpose or "not stated")
    fields = f", {counted(len(access.fields), 'field', 'fields')}" if access.fields else ""
    return AccessRow(
        kind="allowed" if allowed else "refused",
        index=access.index,
        at=formats.second(access.t),
        what=endpoint(ApiId(access.api), access.endpoint),
        extent=fields,
        why=f"Allowed because: {purpose}" if allowed else f"Refused: {refusal(access.reason)}",
        code="" if allowed else (access.reason or ""),
        href=entry_href(access.consent, access.index),
        number=entry_number(access.index),
    )


def _day_head(us: int, formats: Formats) -> When:
    day = formats.day(us / 1_000_000)
    return When(f"Today, {day.text}", day.iso) if formats.is_today(us / 1_000_000) else day
