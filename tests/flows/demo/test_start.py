"""`scripts/demo` as a newcomer uses it: it comes up, Ctrl-C leaves nothing running, it goes on with what it kept."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from demo.running import processes_below

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120.0

pytestmark = [pytest.mark.envoy, pytest.mark.timeout(400)]


@dataclass
class Demo:
    """One running `scripts/demo`, and what it said so far."""

    process: subprocess.Popen[str]
    said: str = ""
    seen: dict[int, str] = field(default_factory=dict)

    def until(self, word: str) -> None:
        """Read on until it says `word`."""
        deadline = time.monotonic() + PATIENCE_S
        assert self.process.stdout is not None
        while word not in self.said:
            assert select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0], self.said
            said = os.read(self.process.stdout.fileno(), 65_536).decode()
            assert said, f"it ended: {self.said}"
            self.said += said

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to the whole foreground group; its exit code."""
        self.seen = processes_below(self.process.pid)
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)

    def accounts(self) -> list[str]:
        """The lines between "Sign in as" and the end, each a name and a password."""
        return re.findall(r"^     (\S+ +\S+)  ", self.said.partition("Sign in as")[2], re.MULTILINE)

    def address(self, what: str) -> str:
        return re.findall(rf"{what}: +(http://\S+)", self.said)[0]


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    process = subprocess.Popen(
        [str(ROOT / "scripts" / "demo"), "--data", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    running = Demo(process)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.interrupt()
        if process.stdout is not None:
            process.stdout.close()


def test_it_comes_up_stops_on_control_c_and_goes_on_with_what_it_kept(tmp_path: Path) -> None:
    """Covers: line 1."""
    with demo(tmp_path / "kept") as first:
        first.until("Ctrl-C stops everything")
        assert "Ready." in first.said
        assert httpx2.get(first.address("Connect an app"), trust_env=False).status_code == 200
        accounts = first.accounts()
        assert len(accounts) == 3
        assert first.interrupt() == 0
        assert len(first.seen) > 8, first.seen
        assert [line for pid, line in first.seen.items() if Path(f"/proc/{pid}").exists()] == []

    with demo(tmp_path / "kept") as second:
        second.until("Ctrl-C stops everything")
        assert second.accounts() == accounts
        portal = httpx2.get(second.address("Your connections"), trust_env=False, follow_redirects=True)
        assert portal.status_code == 200
        assert 'name="username"' in portal.text
        assert second.interrupt() == 0
        assert [line for pid, line in second.seen.items() if Path(f"/proc/{pid}").exists()] == []


def test_control_c_while_it_is_starting_leaves_nothing_running(tmp_path: Path) -> None:
    """Covers: line 1."""
    with demo(tmp_path / "early") as early:
        early.until("answers at")
        assert early.interrupt() == 0
        assert early.seen
        assert [line for pid, line in early.seen.items() if Path(f"/proc/{pid}").exists()] == []
