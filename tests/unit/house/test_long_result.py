"""A long run leaves a file that says how large it was and what it came to, and nothing it did not do."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[3]
TESTS = """
import os
import pytest

@pytest.mark.long(examples=5, steps=2)
def test_searched(request):
    assert request.node.get_closest_marker("timeout").args == (3_600,)

@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=[pytest.mark.long, pytest.mark.timeout(60)])])
def test_killed(kills, request):
    assert kills == 1 or request.node.get_closest_marker("timeout").args == (60,)

@pytest.mark.serial
@pytest.mark.long
def test_alone():
    assert "FAILS" not in os.environ
"""


def run(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Two runs that add to one file, as the script makes them."""
    (folder / "large").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = large\n")
    (folder / "large" / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "large" / "test_large.py").write_text(TESTS)
    result = folder / "kept" / "result.json"
    for selection in (("-n", "2", "-m", "not serial"), ("-m", "serial")):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, *selection, f"--result={result}", *arguments],
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} | environment,
            cwd=folder,
            capture_output=True,
            check=False,
        )
    read: dict[str, Any] = msgspec.json.decode(result.read_bytes())
    return read


def test_both_halves_of_a_long_run_stand_in_one_file_with_their_sizes(tmp_path: Path) -> None:
    kept = run(tmp_path, "--long")
    assert (kept["passed"], kept["tests"]) == (True, {"passed": 4})
    assert [(row["test"].split("::")[1], row["sizes"], row["outcome"]) for row in kept["long"]] == [
        ("test_killed[3]", {"kills": 3}, "passed"),
        ("test_searched", {"examples": 5, "steps": 2}, "passed"),
        ("test_alone", {}, "passed"),
    ]
    assert kept["machine"]["date"]
    assert kept["machine"]["cores"] > 0


def test_a_failure_in_one_half_is_in_the_file(tmp_path: Path) -> None:
    kept = run(tmp_path, "--long", FAILS="yes")
    assert (kept["passed"], kept["tests"]) == (False, {"failed": 1, "passed": 3})
    assert kept["long"][-1]["outcome"] == "failed"


def test_a_run_of_small_sizes_claims_no_large_ones(tmp_path: Path) -> None:
    kept = run(tmp_path)
    assert (kept["tests"], kept["long"]) == ({"passed": 1}, [])
