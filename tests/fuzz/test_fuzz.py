"""Inputs that nobody wrote: atheris makes them up, guided by the code that they reach, from one seed."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no wheel for this Python or processor")
ROOT = Path(__file__).parents[2]


def fuzzed(crashes: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.fuzz.run", "--crashes", str(crashes), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
def test_made_up_inputs_are_read_or_refused(tmp_path: Path) -> None:
    """Covers: line 11 (every parser of foreign input, a short run)."""
    ended = fuzzed(tmp_path, "--runs", "200")
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count(" inputs ") > 80


@pytest.mark.long(inputs=50_000)
def test_many_made_up_inputs_are_read_or_refused(tmp_path: Path) -> None:
    """Covers: line 11 (the long run)."""
    ended = fuzzed(tmp_path, "--runs", "50000", "--seed", "2")
    assert ended.returncode == 0, ended.stdout


def test_a_fault_is_found(tmp_path: Path) -> None:
    """A run that finds nothing says something only if it could have."""
    ended = fuzzed(tmp_path, "planted")
    assert ended.returncode == 1
    assert "UnicodeDecodeError" in ended.stdout
    assert list(tmp_path.iterdir())
