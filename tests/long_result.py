"""What a run came to, as a file to keep: the machine, how many tests ran, and each large one with its sizes and time.

Several runs may add to one file, as `scripts/test --long` makes two: beside each other, and alone.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.machine import facts

SIZES = "sizes"


def sizes(item: pytest.Item) -> dict[str, Any]:
    """What the mark `long(name=number, …)` and the parameters of a test say about how large it is."""
    marks = {name: value for mark in item.iter_markers("long") for name, value in mark.kwargs.items()}
    given = getattr(item, "callspec", None)
    plain = {name: value for name, value in given.params.items() if isinstance(value, (int, str))} if given else {}
    return plain | marks


class Result:
    """Gathers reports, says at the end what the large tests came to, and adds all to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.monotonic()
        self._outcomes: dict[str, str] = {}
        self._seconds: Counter[str] = Counter()
        self._long: dict[str, dict[str, Any]] = {}
        self._broken = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test, wherever it ran."""
        before = self._outcomes.get(report.nodeid, "passed")
        self._outcomes[report.nodeid] = before if report.passed else report.outcome
        self._seconds[report.nodeid] += report.duration
        for name, value in report.user_properties:
            if name == SIZES:
                self._long[report.nodeid] = value

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read holds tests that did not run."""
        self._broken += report.failed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, also after failures."""
        if hasattr(session.config, "workerinput"):
            return
        kept: dict[str, Any] = msgspec.json.decode(self._path.read_bytes()) if self._path.exists() else {}
        counts = Counter(kept.get("tests", {})) + Counter(self._outcomes.values()) + Counter(unreadable=self._broken)
        result = {
            "machine": facts(),
            "passed": set(counts) == {"passed"},
            "tests": dict(sorted(counts.items())),
            "seconds": round(kept.get("seconds", 0) + time.monotonic() - self._began),
            "long": [*kept.get("long", ()), *self._rows()],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The large tests by name, so that nobody has to open the file."""
        terminalreporter.section("large sizes")
        for row in self._rows():
            said = " ".join(f"{name}={value}" for name, value in row["sizes"].items())
            terminalreporter.write_line(f"{row['outcome']:8}{row['seconds']:8.1f} s  {row['test']}  {said}")
        terminalreporter.write_line(f"written to {self._path}")

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"test": test, "sizes": large, "outcome": self._outcomes[test], "seconds": round(self._seconds[test], 1)}
            for test, large in sorted(self._long.items())
        ]
