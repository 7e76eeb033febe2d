"""README.md's table of figures, from the newest of bench/results/*.json: every row that the design bounds."""

from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def newest() -> dict[str, Any] | None:
    """The result with the latest date in its name; None before the first."""
    found = sorted((ROOT / "bench" / "results").glob("*.json"))
    tree: dict[str, Any] | None = msgspec.json.decode(found[-1].read_bytes()) if found else None
    return tree


def table(result: dict[str, Any] | None) -> str:
    """The lines between the markers. A bound that did not hold is said as plainly as one that did."""
    if result is None:
        return ""
    rows = [row for row in result["rows"] if row["bound"]]
    lines = ["| | | measured | bound | |", "| --- | --- | --: | --- | --- |"]
    for row in rows:
        unit = f" {row['unit']}" if row["unit"] else ""
        held = "holds" if row["holds"] else "**missed**"
        value = f"{row['value']:g}{unit}"
        lines.append(f"| {row['bench']}: {row['case']} | {row['metric']} | {value} | {row['bound']}{unit} | {held} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """README.md with the table filled in; what stands around the markers stays."""
    before, _, rest = (ROOT / "README.md").read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n{table(newest())}{END}{rest.partition(END)[2]}"
