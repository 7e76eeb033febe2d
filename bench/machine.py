"""The machine: what it is, and how much of it others use while something is measured."""

import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUIET = 0.25
"""Share of one core that others may use before a sample begins."""
LOOK_S = 0.3


def facts() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _said("git", "rev-parse", "HEAD"),
        "changed": bool(_said("git", "status", "--porcelain", "--untracked-files=no")),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


@dataclass(frozen=True, slots=True)
class Use:
    """CPU seconds so far: of the whole machine, and of this process and everything it started that has ended."""

    at: float
    busy: float
    own: float

    @classmethod
    def now(cls) -> "Use":
        """As of this moment."""
        ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        # user, nice, system, irq, softirq; time that was stolen or spent waiting for a disk is nobody's.
        busy = sum(ticks[at] for at in (0, 1, 2, 5, 6)) / os.sysconf("SC_CLK_TCK")
        spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(time.monotonic(), busy, sum(one.ru_utime + one.ru_stime for one in spent))

    def foreign_since(self, before: "Use") -> float:
        """Cores that others used in between, on average."""
        others = (self.busy - before.busy) - (self.own - before.own)
        return round(max(0.0, others / max(1e-3, self.at - before.at)), 2)


def wait_until_quiet(patience_s: float) -> float:
    """Return when others use less than `QUIET` of a core, or when `patience_s` is over; what they used last."""
    latest = time.monotonic() + patience_s
    while True:
        before = Use.now()
        time.sleep(LOOK_S)
        foreign = Use.now().foreign_since(before)
        if foreign < QUIET or time.monotonic() > latest:
            return foreign


def memory_mib(pid: int) -> float:
    """What a process takes of memory: its proportional share (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1_024, 1)


def _said(*command: str) -> str:
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else ""


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
