"""The benches run as they stand: tiny sizes, no bound on time, only what must be right at any speed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ROW = {"bench", "case", "metric", "value", "unit", "bound", "holds"}
BENCHES = {"withdraw", "three", "decision", "gateway", "tokens", "appends", "record", "history", "people"}
COUNTED = {"stops not CLOSED", "admissions after closed", "begun beyond context", "unrecorded"}
MUST_BE_ZERO = {kind + counted for kind in ("", "healthy: ", "partitioned: ") for counted in COUNTED}

pytestmark = [pytest.mark.serial, pytest.mark.envoy, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one quick run of everything wrote. Exit 1 only says that a bound on time did not hold."""
    out = tmp_path_factory.mktemp("bench") / "result.json"
    command = [sys.executable, "-m", "bench.run", "--quick", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), ended.stderr
    assert "| bench | case |" in ended.stdout
    return json.loads(out.read_text())


def test_every_bench_answers_with_rows_of_one_shape(result):
    assert {row["bench"] for row in result["rows"]} == BENCHES
    for row in result["rows"]:
        assert set(row) == ROW
        assert isinstance(row["value"], int | float)
        assert (row["bound"] is None) == (row["holds"] is None)


def test_the_result_says_on_which_machine_and_beside_what_it_was_measured(result):
    assert {"cores", "cpu", "python", "date", "commit"} <= set(result["machine"])
    assert {sample["bench"] for sample in result["samples"]} == BENCHES
    assert all(sample["foreign"] >= 0 for sample in result["samples"])


def test_nothing_is_admitted_begun_or_lost_after_a_stop(result):
    counted = {row["case"]: row["value"] for row in result["rows"] if row["case"] in MUST_BE_ZERO}
    assert counted == dict.fromkeys(MUST_BE_ZERO, 0)
    assert all(stop["permits"] > 0 for stop in _stops(result))
    assert all(stop["reasons"] == ["grant_withdrawn"] for stop in _stops(result))


def test_a_gateway_that_is_cut_off_refuses_by_itself_and_those_that_are_not_do_at_once(result):
    apart = [stop for one in result["samples"] if one["bench"] == "three" for stop in one["found"]["partitioned"]]
    assert apart
    for stop in apart:
        assert stop["reasons"] == ["feed_stale", "grant_withdrawn"]
        assert stop["stages_ms"]["calendar-2"] is None
        assert stop["stages_ms"]["commit"] <= stop["stages_ms"]["bank"] <= stop["closed_ms"]


def _stops(result):
    return [stop for one in result["samples"] if one["bench"] == "withdraw" for stop in one["found"]["stops"]]
