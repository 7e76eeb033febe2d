"""One event is one line of the log, whatever stands in it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grantline.crypto.jcs import canonical

# In a process of its own: what is set up here is set up for all of it.
_SAY = """
import sys
from pathlib import Path
import structlog
from grantline.app.log import set_up_log

set_up_log(Path(sys.argv[1]), "authority")
structlog.get_logger("grantline.test").info("refused", detail=sys.argv[2])
"""


@pytest.mark.parametrize("text", ["a\r\nb", "a\u2028b", "a\u0085b", '"}\n{"level":"forged"'])
def test_line_breaks_in_input_forge_neither_a_log_line_nor_an_entry(tmp_path: Path, text: str) -> None:
    """Covers: check 167."""
    subprocess.run([sys.executable, "-c", _SAY, tmp_path, text], check=True)
    (line,) = (tmp_path / "log" / "authority.log").read_text().splitlines()
    assert json.loads(line)["detail"] == text
    assert b"\n" not in canonical({"detail": text})
