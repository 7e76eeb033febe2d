"""One instance for all clients; and the Node packages that some of them are, installed as locked."""

import fcntl
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import browser, playwright
from tests.conformance.clients.served import Served, free_port, served

__all__ = ["browser", "playwright"]
"""One Chromium for the tests of these, as for those of our own pages."""
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def mcp_port() -> int:
    """Where the API for agents listens, once a test serves it; its resource names it."""
    return free_port()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory, mcp_port: int) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("clients"), f"http://127.0.0.1:{mcp_port}/mcp") as made:
        yield made


@pytest.fixture(scope="session")
def node_packages() -> None:
    """`package-lock.json` names each by its hash and none by an address, so any registry or mirror serves."""
    # Two processes of one test run share the folder.
    with (HERE / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _in_step():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


def _in_step() -> bool:
    installed = HERE / "node_modules" / ".package-lock.json"
    return installed.exists() and _hashes(installed) == _hashes(HERE / "package-lock.json")


def _hashes(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text())["packages"]
    return {name: told["integrity"] for name, told in packages.items() if name}
