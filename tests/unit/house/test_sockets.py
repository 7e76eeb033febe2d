"""A data directory whose sockets nobody could listen on is refused before anything starts."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from grantline.app.sockets import LONGEST, require_short_paths
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ApiId, GatewayId
from grantline.settings import FrontSettings

FRONT = FrontSettings(api=ApiId("bank"), gateway=GatewayId("g"), base="http://bank.test", upstream="http://127.0.0.1:9")
LAST = "/run/minimise-bank.sock"


def data_of(length: int) -> Path:
    """A directory below which the longest socket's path has so many bytes."""
    return Path("/" + "é" * 10 + "x" * (length - len(LAST) - 21))


def test_the_longest_path_that_fits_is_taken_and_one_byte_more_is_not() -> None:
    require_short_paths(data_of(LONGEST), (FRONT,))
    require_short_paths(data_of(LONGEST + 1), ())
    with pytest.raises(InvalidConfiguration, match=r"minimise-bank\.sock would take 108 bytes"):
        require_short_paths(data_of(LONGEST + 1), (FRONT,))


def test_the_kernel_has_the_same_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        with pytest.raises(OSError, match="path too long"):
            listening.bind("s" * (LONGEST + 1))
        listening.bind("s" * LONGEST)


def test_serve_says_so_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 100)
    command = [sys.executable, "-m", "grantline", "serve", "--data", str(place)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"grantline: --data .*: too long a path\. .*\n", ended.stderr)
    assert not place.exists()
