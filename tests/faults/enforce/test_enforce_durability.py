"""The kernel's own account of the order: write, sync, and only then the answer."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WRITER = Path(__file__).with_name("spool_writer.py")
_BEGUN = re.compile(r"^\d+\s+(?P<call>\w+)\((?P<rest>.*)$")
_ENDED = re.compile(r"^\d+\s+<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_record_is_acknowledged_before_it_is_synced(tmp_path: Path) -> None:
    """Covers: I4."""
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-s", "4096", "-e", "trace=pwrite64,fdatasync,write", "-o", str(trace),
         sys.executable, str(WRITER), str(tmp_path / "spool"), "20"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    order = [what for line in trace.read_text().splitlines() if (what := told(line)) is not None]
    for n in range(20):
        written, acknowledged = order.index(f"written {n}"), order.index(f"acknowledged {n}")
        assert "synced" in order[written:acknowledged], f"record {n} was acknowledged before its sync ended"


def told(line: str) -> str | None:
    """What a line of the trace says: a record handed to the kernel, a sync that ended well, an answer begun."""
    begun, ended = _BEGUN.match(line), _ENDED.match(line)
    if begun and begun["call"] == "pwrite64" and (mark := re.search(r"MARK(\d+)", begun["rest"])):
        return f"written {int(mark[1])}"
    if begun and begun["call"] == "write" and (ack := re.search(r"ACK(\d+)", begun["rest"])):
        return f"acknowledged {int(ack[1])}"
    whole = begun or ended
    if whole and whole["call"] == "fdatasync" and whole["rest"].rstrip().endswith("= 0"):
        return "synced"
    return None
