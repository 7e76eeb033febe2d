"""Signer and ledger as `grantline serve` runs them, under the real supervisor; then the commands about the record."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from grantline.cli.serve import plan, prepare
from grantline.cli.supervisor import Patience, Supervisor


def grantline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "grantline", *arguments], check=False, capture_output=True, text=True)


async def served_once(data: Path) -> None:
    """Start signer and ledger, stop them again: `log.started` is on record and under a checkpoint."""
    prepare(data)
    supervisor = Supervisor(plan(data, None, ())[:2], lambda _: None, Patience())
    await supervisor.run(supervisor.stop)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("instance") / "data"
    asyncio.run(served_once(place))
    return place


def test_a_ledger_that_was_served_verifies(data: Path) -> None:
    done = grantline("ledger", "verify", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("size 1\n")
    assert done.stdout.endswith("verified\n")


def test_an_export_verifies_by_itself_and_a_tampered_one_does_not(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "export"
    assert grantline("ledger", "export", str(out), "--data", str(data)).returncode == 0
    key = str(out / "log.vkey")
    assert grantline("ledger", "verify", "--export", str(out), "--vkey", key).returncode == 0

    bundle = next((out / "tile" / "entries").rglob("*.p/1"))
    bundle.write_bytes(bundle.read_bytes().replace(b"start", b"stars"))
    refused = grantline("ledger", "verify", "--export", str(out), "--vkey", key)
    assert refused.returncode == 1
    assert "NOT VERIFIED" in refused.stderr

    bundle.unlink()
    assert grantline("ledger", "verify", "--export", str(out), "--vkey", key).returncode == 3


def test_an_export_is_never_mixed_with_what_is_there(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    done = grantline("ledger", "export", str(tmp_path), "--data", str(data))
    assert (done.returncode, (tmp_path / "other").read_text()) == (1, "mine")


def test_proving_an_event_that_is_not_there_says_so(data: Path, tmp_path: Path) -> None:
    done = grantline("ledger", "prove", "no-such-event", "--out", str(tmp_path), "--data", str(data))
    assert done.returncode == 1
    assert "No event no-such-event" in done.stderr
