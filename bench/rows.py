"""What every bench answers: rows of figures, each with its bound where one is stated, and how they are shown."""

from collections.abc import Iterable

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `bound`: as ARCHITECTURE.md states it, None where it states none; `holds`: None without a bound."""

    bench: str
    case: str
    metric: str
    value: float
    unit: str
    bound: str | None = None
    holds: bool | None = None


class Rows:
    """The rows of one bench, in the order they are added."""

    def __init__(self, bench: str) -> None:
        self.bench = bench
        self.all: list[Row] = []

    def add(
        self, case: str, metric: str, value: float, unit: str, *, most: float | None = None, least: float | None = None
    ) -> None:
        """A figure that must be at most `most`, or at least `least`, or is only told."""
        value = round(value, 3)
        bound, holds = None, None
        if most is not None:
            bound, holds = f"≤ {most:g}", value <= most
        if least is not None:
            bound, holds = f"≥ {least:g}", value >= least
        row = Row(bench=self.bench, case=case, metric=metric, value=value, unit=unit, bound=bound, holds=holds)
        self.all.append(row)


HEAD = ("bench", "case", "metric", "value", "unit", "bound", "holds")


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    holds = {None: "", True: "yes", False: "NO"}[row.holds]
    return (row.bench, row.case, row.metric, f"{row.value:g}", row.unit, row.bound or "", holds)


def as_text(rows: Iterable[Row]) -> str:
    """A table in columns."""
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)  # fmt: skip


def as_markdown(rows: Iterable[Row]) -> str:
    """The same table for a page."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|---|--:|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(cells(row)) + " |" for row in rows)])
