"""`grantline grant` and `grantline explain` over a real instance that holds a real consent."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from grantline.app.places import Places
from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.cli.program import app
from grantline.model.feed import Kind
from grantline.model.ids import ConsentId
from grantline.storage.sqlite.database import Database
from tests.consent_world import Tx, World
from tests.flows.house.test_apply import written

TRANSACTIONS = "/accounts/a1/transactions"


class Instance:
    """One data directory with the catalog, one client, and a consent of a person to it."""

    def __init__(self, data: Path, world: World, consent: ConsentId) -> None:
        self.data, self.world, self.consent = data, world, consent

    def grantline(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--data", str(self.data)])

    def explain(self, *arguments: str) -> Result:
        return self.grantline("explain", self.consent, *arguments, "--api", "bank")


async def made(tmp_path: Path) -> Instance:
    data = tmp_path / "data"
    await apply_to(data, read_declaration(written(tmp_path)))
    path = Places(data).state
    world = World(database=Database(path, Tx), path=path)
    world.clock.seconds = int(time.time())
    state, _ = await world.given()
    return Instance(data, world, state.consent_id)


@pytest.fixture
def instance(tmp_path: Path):  # type: ignore[no-untyped-def]
    import asyncio

    instance = asyncio.run(made(tmp_path))
    yield instance
    instance.world.work.close()


def test_a_consent_is_listed_and_shown(instance: Instance) -> None:
    listed = instance.grantline("grant", "list")
    assert instance.consent in listed.stdout
    assert "active" in listed.stdout
    shown = json.loads(instance.grantline("grant", "show", instance.consent).stdout)
    assert shown["state"]["status"] == "active"
    assert [version["version"] for version in shown["versions"]] == [1]


def test_a_list_for_programs_is_json_and_can_be_narrowed_to_a_client(instance: Instance) -> None:
    assert len(json.loads(instance.grantline("grant", "list", "--client", "budget", "--json").stdout)) == 1
    assert json.loads(instance.grantline("grant", "list", "--client", "other", "--json").stdout) == []


def test_revoking_ends_the_consent_and_tells_gateways_once(instance: Instance) -> None:
    """Covers: T10."""
    done = instance.grantline("grant", "revoke", instance.consent, "--why", "asked by telephone")
    assert (done.exit_code, "gateways learn of it" in done.stdout) == (0, True)
    again = instance.grantline("grant", "revoke", instance.consent, "--why", "asked again")
    assert "had ended before (revoked)" in again.stdout
    assert [entry.id for entry in instance.world.feed() if entry.kind is Kind.GRANT] == [instance.consent]
    assert "asked by telephone" in str(instance.world.events())


def test_a_granted_call_is_explained_clause_by_clause(instance: Instance) -> None:
    done = instance.explain("GET", TRANSACTIONS)
    assert done.exit_code == 0, done.output
    assert "allowed by" in done.stdout
    assert "merchant" in done.stdout
    assert "FAILS" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("GET", f"{TRANSACTIONS}?fields=iban"), "field_not_granted"),
        (("GET", "/accounts/a2/transactions"), "resource_not_granted"),
        (("GET", TRANSACTIONS, "--purpose", "credit-check"), "purpose_mismatch"),
        (("GET", "/nowhere"), "route_unknown"),
    ],
)
def test_a_denied_call_is_explained_by_its_reason(instance: Instance, arguments: tuple[str, ...], reason: str) -> None:
    done = instance.explain(*arguments)
    assert done.exit_code == 1
    assert f"denied, {reason}" in done.stdout


def test_after_a_revocation_the_same_call_is_explained_as_ended(instance: Instance) -> None:
    instance.grantline("grant", "revoke", instance.consent, "--why", "test")
    done = instance.explain("GET", TRANSACTIONS)
    assert done.exit_code == 1
    assert "denied, grant_revoked" in done.stdout


def test_an_unknown_consent_is_an_error_in_words(instance: Instance) -> None:
    done = instance.grantline("grant", "show", "g_unknown")
    assert done.exit_code == 1
    assert "There is no consent g_unknown" in str(done.exception)
