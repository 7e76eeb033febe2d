"""The second program: recomputes a report of the story from what others can see, and says where they differ.

It reads the ledger's export, the proxies' logs and the upstreams' logs, with the standard library alone and no code of
Grantline. Usage: python demo/recompute.py REPORT (JSON); exit code 0 only if every recomputed figure agrees.
"""

import base64
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]
OPERATOR = "operator"
OPERATORS = "/owners/"
LEASE_US = 2_000_000
DECISION, OUTCOME = CALLS = ("gateway.decision@1", "gateway.outcome@1")


def entries(export: Path) -> list[bytes]:
    """All leaves of the exported log in order (C2SP tlog-tiles entry bundles)."""
    size = int((export / "checkpoint").read_text().splitlines()[1])
    found: list[bytes] = []
    while len(found) < size:
        found += _bundle(export, len(found) // 256, min(256, size - len(found)))
    return found


def _bundle(export: Path, number: int, width: int) -> Iterator[bytes]:
    name, rest = f"{number % 1000:03}", number // 1000
    while rest:
        name, rest = f"x{rest % 1000:03}/{name}", rest // 1000
    data = (export / "tile" / "entries" / (name if width == 256 else f"{name}.p/{width}")).read_bytes()
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def root(leaves: list[bytes]) -> str:
    """RFC 6962 §2.1, bottom up: pair what stands next to each other, carry the odd one."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return base64.b64encode(hashlib.sha256(b"").digest()).decode()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return base64.b64encode(level[0]).decode()


def lines(path: Path) -> list[Line]:
    """A log of JSON lines; a line that a kill cut short is left out."""
    found = []
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def percentiles(values: list[float]) -> dict[str, float]:
    """Nearest rank."""
    ordered = sorted(values)
    rank = {name: ordered[min(len(ordered) - 1, -(-len(ordered) * share // 100) - 1)] for name, share in
            (("p50", 50), ("p95", 95), ("p99", 99))} if ordered else {}  # fmt: skip
    return {"calls": len(ordered), **rank}


def stories(log: list[Line], begun: list[Line]) -> list[Line]:
    """What happened under each consent that a person withdrew, in the order in which they were given.

    The log names consents by pseudonyms alone and the upstreams by ids: what joins them is the order of events.
    """
    grants = list(dict.fromkeys(line["grant"] for line in begun if OPERATORS not in line["route"]))
    given = [line for line in log if line["type"] == "consent.given@1" and line["client"] != OPERATOR]
    withdrawn = {line["cns"]: line for line in log if line["type"] == "consent.withdrawn@1"}
    closed = {line["cns"]: line for line in log if line["type"] == "consent.closed@1"}
    told = []
    for grant, start in zip(grants, given, strict=False):
        cns = start["cns"]
        if cns not in withdrawn:
            continue
        calls = [line for line in log if line["type"] in CALLS and line.get("cns") == cns]
        told.append(
            _story(start, withdrawn[cns], closed.get(cns), calls, [one for one in begun if one["grant"] == grant])
        )
    return told


def _story(given: Line, withdrawn: Line, closed: Line | None, calls: list[Line], begun: list[Line]) -> Line:
    end = closed["t"] if closed else None
    decided = [call for call in calls if call["type"] == DECISION]
    permits = [call["t"] for call in decided if call["out"] == "permit"]
    denials = [call for call in calls if call["out"] == "deny"]
    # A permit that the last check stopped has an outcome that denies: it was not admitted.
    stopped = len(denials) - sum(call["out"] == "deny" for call in decided)
    return {
        "given_t": given["t"],
        "withdrawn_t": withdrawn["t"],
        "closed_t": end,
        "permits": len(permits) - stopped,
        "denials": dict(sorted(Counter(call["rsn"] for call in denials).items())),
        "admissions_after_closed": sum(end is not None and one > end for one in permits),
        "begun": len(begun),
        "begun_after_closed": sum(end is not None and one["began_us"] > end for one in begun),
        "begun_beyond_context": sum(
            end is not None
            and one["began_us"] > end
            and one["began_us"] > min(one["context_exp"] * 1e6, end + LEASE_US)
            for one in begun
        ),
    }


def recompute(report: Line) -> Line:
    """The figures of a report that can be recomputed, from the places that the report names."""
    places = {name: Path(path) for name, path in report["places"].items()}
    leaves = entries(places["export"])
    log = [json.loads(leaf) for leaf in leaves]
    begun = sorted((*lines(places["bank_calls"]), *lines(places["calendar_calls"])), key=lambda line: line["began_us"])
    decisions = Counter((line["prod"], line["out"]) for line in log if line["type"] == DECISION)
    for line in log:
        if line["type"] == OUTCOME and line["out"] == "deny":
            decisions.update({(line["prod"], "permit"): -1, (line["prod"], "deny"): 1})
    return {
        "ledger": {"size": len(leaves), "root": root(leaves)},
        "decisions": {f"{gateway} {out}": count for (gateway, out), count in sorted(decisions.items())},
        "latency_ms": {
            "bank": percentiles([line["duration_ms"] for line in lines(places["bank_proxy"])]),
            "calendar": percentiles([line["duration_ms"] for line in lines(places["calendar_proxy"])]),
        },
        "withdrawals": stories(log, begun),
    }


def differences(told: Any, found: Any, path: str = "$") -> Iterator[str]:
    """Every place where two JSON values differ."""
    if isinstance(told, dict) and isinstance(found, dict):
        for name in sorted(told.keys() | found.keys()):
            yield from differences(told.get(name), found.get(name), f"{path}.{name}")
    elif isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        for number, (one, other) in enumerate(zip(told, found, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif told != found:
        yield f"{path}: the report says {told!r}, the records say {found!r}"


def main() -> int:
    """Compare and tell."""
    report = json.loads(Path(sys.argv[1]).read_text())
    found = recompute(report)
    wrong = [difference for name in found for difference in differences(report.get(name), found[name], f"$.{name}")]
    for difference in wrong:
        print(difference)
    print(f"{len(found)} figures recomputed, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
