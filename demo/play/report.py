"""The story's own report: what the running system says of itself, through its questions and its state."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from demo.play.beats import Beats, Facts
from demo.world import World
from grantline.app.own_secrets import ask_ledger
from grantline.ledger.reading import Access
from grantline.model.ids import ConsentId

PAGE = 200


class Reporter:
    """Asks the running system."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ledger = ask_ledger(world.data)

    async def accesses(self, consent: ConsentId) -> list[Access]:
        """Every call under a consent that the ledger knows."""
        found: list[Access] = []
        before: int | None = None
        while page := await self.ledger.accesses(consent, limit=PAGE, before=before):
            found += page
            before = page[-1].index
        return found

    async def story(self, consent: ConsentId) -> Facts:
        """One consent from its beginning to its end."""
        when = {row.type: row.t for row in await self.ledger.life(consent)}
        calls = await self.accesses(consent)
        withdrawn, closed = when["consent.withdrawn@1"], when.get("consent.closed@1")
        begun = [
            line
            for api in ("bank", "calendar")
            for line in _lines(self._world.call_log(api))
            if line["grant"] == consent
        ]
        permits = [call.t for call in calls if call.decision == "permit"]
        denials = [call for call in calls if call.decision == "deny"]
        late = [line for line in begun if closed is not None and line["began_us"] > closed]
        return {
            "given_t": when["consent.given@1"],
            "withdrawn_t": withdrawn,
            "closed_t": closed,
            "permits": len(permits),
            "denials": dict(sorted(Counter(str(call.reason) for call in denials).items())),
            "admissions_after_closed": len([t for t in permits if closed is not None and t > closed]),
            "begun": len(begun),
            "begun_after_closed": len(late),
            "begun_beyond_context": len([line for line in late if _beyond(line, closed or 0)]),
        }

    def latencies(self) -> dict[str, Facts]:
        """Of every call, as the proxy of each gateway timed it."""
        return {
            "bank": _percentiles([line["duration_ms"] for line in _lines(self._world.envoy_log)]),
            "calendar": _percentiles([line["duration_ms"] for line in _lines(calendar_proxy(self._world))]),
        }


def calendar_proxy(world: World) -> Path:
    """The calendar's own access log."""
    return world.call_log("calendar").with_name("calendar-access.jsonl")


def write(path: Path, beats: Beats, figures: Facts) -> None:
    """The report as JSON."""
    told: dict[str, Any] = {"beats": [asdict(beat) for beat in beats.all], **figures}
    path.write_text(json.dumps(told, indent=1, default=str) + "\n")


def _beyond(line: Facts, closed: int) -> bool:
    lease_us = 2_000_000
    return bool(line["began_us"] > min(line["context_exp"] * 1e6, closed + lease_us))


def _lines(path: Path) -> list[Facts]:
    found = []
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def _percentiles(values: list[float]) -> Facts:
    """Nearest rank: the smallest value that at least so many percent do not exceed."""
    ordered = sorted(values)
    if not ordered:
        return {"calls": 0}

    def at(percent: int) -> float:
        return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]

    return {"calls": len(ordered), "p50": at(50), "p95": at(95), "p99": at(99)}
