"""The story plays itself on real parts: Envoy, two gateways, a browser, a load, three withdrawals, a tampered log."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.recompute import differences, recompute

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.serial, pytest.mark.timeout(600)]
BEATS = 9


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.CompletedProcess[str]", dict[str, Any]]:
    folder = tmp_path_factory.mktemp("world")
    report = folder / "report.json"
    command = [sys.executable, "-m", "demo", "--data", str(folder / "data"), "--play", "--report", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert report.exists(), done.stdout + done.stderr
    return done, json.loads(report.read_text())


def test_every_beat_holds_and_the_second_program_agrees(played: Any) -> None:
    """Covers: I4, I11, P5, C1, C5, C7, feed C1."""
    done, report = played
    assert done.returncode == 0, done.stdout + done.stderr
    assert [beat["held"] for beat in report["beats"]] == [True] * BEATS
    for story in report["withdrawals"]:
        assert story["permits"] > 0
        assert story["admissions_after_closed"] == 0
        assert story["begun_beyond_context"] == 0
        assert story["denials"]["grant_withdrawn"] > 0
    assert all(Path(picture).exists() for picture in report["screenshots"])


def test_the_second_program_finds_a_figure_that_was_changed(played: Any, tmp_path: Path) -> None:
    _, report = played
    report["withdrawals"][0]["permits"] += 1
    found = recompute(report)
    wrong = [line for name in found for line in differences(report[name], found[name], f"$.{name}")]
    assert len(wrong) == 1
    assert wrong[0].startswith("$.withdrawals[0].permits")


def test_nothing_is_left_running(played: Any) -> None:
    _, report = played
    marker = str(Path(report["data_dir"]).parent)
    alive = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and entry.name != str(os.getpid()) and marker in _command(entry)
    ]
    assert alive == []


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
