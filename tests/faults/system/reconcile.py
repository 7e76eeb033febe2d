"""Holds state, feed and record against each other: every change has its one event, every event its change."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from grantline.app.places import Places
from grantline.model.events import Event
from grantline.model.feed import Entry, Kind, chain

ENDED = {"withdrawn": "consent.withdrawn@1", "revoked": "consent.revoked@1", "expired": "consent.expired@1"}
Counts = dict[str, Counter[str]]
"""Consent → how many events of each type."""


@dataclass(frozen=True)
class State:
    """The authority's file as it stands."""

    consents: list[sqlite3.Row]
    families: list[sqlite3.Row]
    tickets: list[sqlite3.Row]
    versions: Counter[str]
    feed: list[Entry]
    waiting: list[Event]


def read(data: Path) -> State:
    """One snapshot of everything. The feed is proved on the way: no gap, and the chain as it was kept."""
    connection = sqlite3.connect(f"file:{Places(data).state}?mode=ro", uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("BEGIN")
    try:
        rows = connection.execute("SELECT seq, body, chain FROM feed ORDER BY seq").fetchall()
        head = connection.execute("SELECT seq, chain FROM feed_head").fetchone()
        versions = connection.execute("SELECT consent_id FROM consent_versions").fetchall()
        events = connection.execute("SELECT body FROM outbox ORDER BY seq").fetchall()
        return State(
            consents=connection.execute("SELECT * FROM consents").fetchall(),
            families=connection.execute("SELECT * FROM families").fetchall(),
            tickets=connection.execute("SELECT * FROM tickets").fetchall(),
            versions=Counter(row["consent_id"] for row in versions),
            feed=_proved(rows, head),
            waiting=[msgspec.json.decode(row["body"], type=Event) for row in events],
        )
    finally:
        connection.close()


def _proved(rows: list[sqlite3.Row], head: Any) -> list[Entry]:
    link, entries = bytes(32), []
    for number, row in enumerate(rows, 1):
        entry = msgspec.json.decode(row["body"], type=Entry)
        link = chain(link, entry)
        assert (row["seq"], entry.seq, row["chain"]) == (number, number, link)
        entries.append(entry)
    if head is not None:
        assert (head["seq"], head["chain"]) == (len(rows), link)
    return entries


def waiting_events(state: State) -> Counts:
    """Events that wait in the outbox, by consent."""
    counts: Counts = {}
    for event in state.waiting:
        if event.consent is not None:
            counts.setdefault(event.consent, Counter())[event.type] += 1
    assert len({event.event_id for event in state.waiting}) == len(state.waiting)
    return counts


def reconcile(state: State, events: Counts) -> None:
    """State, feed and events tell the same story."""
    for consent in state.consents:
        _reconcile_consent(state, consent, events.get(consent["consent_id"], Counter()))
    known = {consent["consent_id"] for consent in state.consents}
    assert set(events) <= known
    assert {entry.id for entry in state.feed if entry.kind is Kind.GRANT} <= known
    ended = {family["family"] for family in state.families if family["ended_at"] is not None}
    assert {entry.id for entry in state.feed if entry.kind is Kind.FAMILY} == ended
    used = sum(ticket["kind"] == "code" and ticket["redeemed_at"] is not None for ticket in state.tickets)
    assert used == len(state.families)


def _reconcile_consent(state: State, consent: sqlite3.Row, told: Counter[str]) -> None:
    name, status = consent["consent_id"], consent["status"]
    given = state.versions[name]
    assert given == (0 if status in {"requested", "refused", "lapsed"} else 1), f"{name}: {given} versions, {status}"
    families = [family for family in state.families if family["consent"] == name]
    expected = {
        "consent.given@1": given,
        "token.issued@1": len(families),
        "token.refreshed@1": sum(family["generation"] - 1 for family in families),
        "token.family_ended@1": sum(family["ended_at"] is not None for family in families),
        **{kind: int(status == ended) for ended, kind in ENDED.items()},
    }
    found = {kind: told[kind] for kind in expected}
    assert found == expected, f"{name} is {status}: {found}"
    cuts = [entry.min_epoch for entry in state.feed if entry.kind is Kind.GRANT and entry.id == name]
    assert len(cuts) == int(status in ENDED), f"{name} is {status}, the feed has {cuts}"
    assert all(cut == consent["min_epoch"] for cut in cuts)
    if not cuts:
        assert consent["min_epoch"] <= consent["epoch"]
