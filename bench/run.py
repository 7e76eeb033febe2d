"""Every bench in one run: rounds interleaved, a quiet machine waited for, one table.

    python -m bench.run [--quick] [--rounds 3] [--minutes 9] [--out FILE] [--directory DIR] [--only NAME …]

Prints the table as text, then the same in Markdown. Exit 1 when a bound does not hold, 2 when a bench failed. `--out`
gets {"machine", "rounds", "quick", "rows": [{bench, case, metric, value, unit, bound, holds}, …], "samples": [{bench,
round, seconds, foreign_before, foreign, found}, …]}; README.md says what each row means.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from bench import appends, decision, gateway, history, people, record, three, tokens, withdraw
from bench.machine import ROOT, Use, facts, wait_until_quiet
from bench.rows import Row, as_markdown, as_text

BENCHES: tuple[ModuleType, ...] = (withdraw, three, decision, gateway, tokens, appends, record, history, people)
ROUNDS, MINUTES = 3, 9.0
PATIENCE_S = 6.0
LONGEST_S = 120.0


class Failed(Exception):
    """A bench did not come to an end; the message holds what it said."""


def sample(bench: ModuleType, arguments: tuple[str, ...], directory: Path | None) -> Any:
    """What one run of a bench found, in a process of its own so that none disturbs another's memory."""
    place = () if directory is None else ("--directory", str(directory))
    command = [sys.executable, "-m", bench.__name__, *arguments, *place]
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{bench.NAME}: no end after {LONGEST_S:.0f} s") from error
    if ended.returncode != 0:
        raise Failed(f"{bench.NAME}: exit {ended.returncode}: {ended.stderr[-2_000:]}")
    return json.loads(ended.stdout)[bench.NAME]


def samples(benches: list[ModuleType], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Round after round, each the other way round than the one before; none is begun that would end too late."""
    quick, directory, began = asked.quick, asked.directory, time.monotonic()
    for number in range(1 if quick else asked.rounds):
        spent = time.monotonic() - began
        if number and spent + spent / number > asked.minutes * 60:
            return
        for bench in benches if number % 2 == 0 else reversed(benches):
            foreign_before = 0.0 if quick else wait_until_quiet(PATIENCE_S)
            before = Use.now()
            found = sample(bench, bench.QUICK if quick else bench.FULL, directory)
            after = Use.now()
            yield {
                "bench": bench.NAME, "round": number, "seconds": round(after.at - before.at, 1),
                "foreign_before": foreign_before, "foreign": after.foreign_since(before), "found": found,
            }  # fmt: skip


def rows(benches: list[ModuleType], found: list[dict[str, Any]]) -> list[Row]:
    """Each bench makes its own rows of all its samples."""
    return [
        row for bench in benches for row in bench.rows([one["found"] for one in found if one["bench"] == bench.NAME])
    ]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round, no waiting: does it work at all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="begin no round that would end after so many")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--directory", type=Path, help="where the benches write; its disk is the one that is measured")
    parser.add_argument("--only", nargs="+", choices=[bench.NAME for bench in BENCHES])
    return parser.parse_args()


def main() -> int:
    """Measure, tell, and judge."""
    asked = options()
    benches = [bench for bench in BENCHES if not asked.only or bench.NAME in asked.only]
    found, began = [], time.monotonic()
    machine = facts()
    try:
        for one in samples(benches, asked):
            print(f"{one['bench']:<10} round {one['round'] + 1}: {one['seconds']:.1f} s, others used "
                  f"{one['foreign']:.2f} cores", file=sys.stderr)  # fmt: skip
            found.append(one)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 2
    figures, rounds = rows(benches, found), found[-1]["round"] + 1
    told = {"machine": machine, "rounds": rounds, "quick": asked.quick, "rows": msgspec.to_builtins(figures)}
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps({**told, "samples": found}, indent=1) + "\n")
    others = max(one["foreign"] for one in found)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"{rounds} rounds in {time.monotonic() - began:.0f} s; others used at most {others:.2f} cores\n")
    print(as_text(figures), as_markdown(figures), sep="\n\n")
    return 1 if any(row.holds is False for row in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
