"""What an investigator is told of a running instance, and what it proves to somebody else."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(240)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WHY = ("--reason", "ticket 7")
ROOT = Path(__file__).parents[3]


def until_told(world: WholeWorld, words: str, *question: str) -> str:
    """What a question is answered, once these words are in it."""
    began = time.monotonic()
    while True:
        said = world.cli("ledger", *question, *WHY)
        if words in said:
            return said
        assert time.monotonic() - began < 20, said
        time.sleep(0.1)


async def used(world: WholeWorld, http: httpx2.AsyncClient, client: str) -> Connected:
    """An app that made one call with a trace and was stopped."""
    world.register(client)
    app = await world.connect(http, client)
    answer = await app.get(world.bank + "/accounts", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert answer.status_code == 200
    await world.stop(app)
    return app


async def test_an_investigator_is_told_the_story_and_proves_it(
    world: WholeWorld, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Covers: AUDIT §5.3, AUDIT §5.8."""
    app = await used(world, http, "inquired")
    consent = str(app.tokens.grant_id)
    assert until_told(world, "answered 200", "trace", TRACE)
    story = until_told(world, "gave inquired consent", "trace", TRACE).splitlines()
    assert [line for line in story if "bank let inquired" in line]
    assert "inquired asked for consent" in story[0]
    assert "the person gave inquired consent" in story[1]
    assert all(consent in line for line in story if "inquired" in line)
    told = until_told(world, "withdrew", "consent", consent)
    assert told.index("gave inquired consent") < told.index("bank let inquired") < told.index("withdrew")
    accessed = until_told(world, consent, "who-accessed", "holder")
    assert "inquired" in accessed
    assert until_told(world, "inquired", "investigate", "client", "inquired")
    assert world.cli("ledger", "investigate", "after-end", *WHY, "--since", "1h").strip() == (
        "Nothing of this kind is on record."
    )
    asked = until_told(world, "who-accessed", "investigate", "queries")
    assert "asked the record (trace)" in asked
    world.until_published()
    world.cli("ledger", "consent", consent, *WHY, "--out", str(tmp_path))
    given = [one["event_id"] for one in json.loads((tmp_path / "story.json").read_text()) if "given" in one["type"]]
    checked = subprocess.run(  # noqa: ASYNC221 (nothing else runs here)
        [sys.executable, ROOT / "verifier" / "grantline_verify.py", "proof", tmp_path / f"{given[0]}.tlog-proof",
         "--entry", tmp_path / f"{given[0]}.entry", "--vkey", tmp_path / "log.vkey",
         "--disclosures", tmp_path / f"{given[0]}.disclosures.json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert consent in checked.stdout
    complete = world.cli("ledger", "verify", "--completeness")
    assert "last heard: bank" in complete
    assert complete.endswith("complete\n")


async def test_reports_tell_what_was_used_under_a_checkpoint(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: AUDIT §5.8."""
    app = await used(world, http, "reported")
    until_told(world, str(app.tokens.grant_id), "who-accessed", "holder")
    owed = world.cli("ledger", "report", "art15", "holder", "--reason", "request 12", "--since", "1h")
    (line,) = (line for line in owed.splitlines() if "reported" in line)
    assert "accounts: balance" in line
    assert "budgeting" in line
    assert "under the checkpoint of grantline.localhost/log" in owed
    assert line.split()[-1].count("-") == 4
    register = world.cli("ledger", "report", "art30")
    (line,) = (line for line in register.splitlines() if "reported" in line)
    assert "fewer than 5" in line
    assert "10.2.1.3" in world.cli("ledger", "report", "pci10")


def test_what_is_typed_wrong_is_told(world: WholeWorld) -> None:
    for words, arguments in (
        ("32 lower-case hex digits", ("trace", "nope")),
        ("say `90m`", ("who-accessed", "holder", "--since", "soon")),
        ("takes a value", ("investigate", "client")),
        ("takes no value", ("investigate", "queries", "x")),
        ("a number of people", ("investigate", "crowds", "many")),
    ):
        code = 1 if "hex" in words else 2
        said = subprocess.run(
            [sys.executable, "-m", "grantline", "ledger", *arguments, *WHY, "--data", str(world.data)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (said.returncode, words in said.stderr.replace("\n", " ")) == (code, True), said.stderr


def test_an_operator_puts_a_hold_and_lifts_it(world: WholeWorld) -> None:
    """Covers: AUDIT §5.6."""
    why = ("--reason", "case 9")
    put = world.cli("ledger", "hold", "holder", *why)
    hold = put.split("grantline ledger lift ")[1].split("`")[0]
    assert hold in world.cli("ledger", "holds")
    assert "case 9" in world.cli("ledger", "holds", "--json")
    world.cli("ledger", "erase", "holder", "--basis", "art17", "--request", "R-1", code=1)
    assert "is lifted" in world.cli("ledger", "lift", hold, *why)
    world.cli("ledger", "lift", hold, *why, code=1)
    assert world.cli("ledger", "purge").strip() == "Nothing is over, or all of it is on hold."
    assert "verified" in world.cli("ledger", "verify")


def test_an_operator_gives_the_log_a_new_key(world: WholeWorld, tmp_path: Path) -> None:
    """Covers: AUDIT §5.7."""
    old = tmp_path / "old.vkey"
    old.write_text((world.data / "ledger" / "public" / "log.vkey").read_text())
    new = world.cli("ledger", "rotate-key", "--reason", "yearly").splitlines()[0]
    assert (world.data / "ledger" / "public" / "log.vkey").read_text().strip() == new != old.read_text().strip()
    assert "verified" in world.cli("ledger", "verify", "--vkey", str(old))
    assert "verified" in world.cli("ledger", "verify")
    world.cli("ledger", "rotate-key", "--reason", "again", code=1)
