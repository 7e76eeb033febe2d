"""One event is one line of the log, whatever stands in it."""

import json
from pathlib import Path

import pytest
import structlog

from grantline.app.log import set_up_log
from grantline.crypto.jcs import canonical


@pytest.mark.parametrize("text", ["a\r\nb", "a\u2028b", "a\u0085b", '"}\n{"level":"forged"'])
def test_line_breaks_in_input_forge_neither_a_log_line_nor_an_entry(tmp_path: Path, text: str) -> None:
    """Covers: check 167."""
    set_up_log(tmp_path, "authority")
    structlog.get_logger("grantline.test").info("refused", detail=text)
    (line,) = (tmp_path / "log" / "authority.log").read_text().splitlines()
    assert json.loads(line)["detail"] == text
    assert b"\n" not in canonical({"detail": text})
