"""Applying a declaration to a real instance: whole, idempotent, and seen by the commands that list it."""

import asyncio
from pathlib import Path

import pytest

from grantline.app.places import Places
from grantline.app.state import open_state
from grantline.cli.apply import apply_to
from grantline.cli.check import check
from grantline.cli.declaration import read_declaration
from grantline.cli.grant import list_grants
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import ClientId

CATALOG_FILE = Path(__file__).parents[3] / "demo" / "catalog.toml"

INSTANCE = """
catalog = "catalog.toml"

[[clients]]
id = "budget"
name = "Budget"
publisher = "Budget Ltd"
web = "https://budget.example"
redirect_uris = ["https://budget.example/back"]
scopes = ["bank.transactions"]

[[people]]
username = "one"
name = "Person One"
password = { file = "one.password" }
resource_names = { bank = "owner-1" }
"""


def written(tmp_path: Path, text: str = INSTANCE) -> Path:
    (tmp_path / "catalog.toml").write_bytes(CATALOG_FILE.read_bytes())
    (tmp_path / "one.password").write_text("a long enough password\n")
    path = tmp_path / "instance.toml"
    path.write_text(text)
    return path


async def test_applying_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    declaration = read_declaration(written(tmp_path))
    data = tmp_path / "data"
    assert await apply_to(data, declaration) == ["catalog changed", "client budget added", "person one changed"]
    before = (Places(data).catalog).stat().st_mtime_ns
    assert await apply_to(data, declaration) == ["catalog unchanged", "client budget unchanged", "person one unchanged"]
    assert (Places(data).catalog).stat().st_mtime_ns == before
    assert (Places(data).catalog).stat().st_mode & 0o777 == 0o600


async def test_a_client_that_loosens_its_profile_is_named_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Covers: the warnings of exemptions."""
    secret = 'auth = "client_secret_basic"\nsecret_hashes = ["' + "ab" * 32 + '"]\n'
    path = written(tmp_path, INSTANCE.replace('id = "budget"\n', f'id = "budget"\n{secret}'))
    said = (
        "warning: client budget: it proves itself with a secret that travels with each request; prefer private_key_jwt."
    )
    for change in ("added", "unchanged"):
        assert (await apply_to(tmp_path / "data", read_declaration(path)))[1:3] == [f"client budget {change}", said]
    check(tmp_path / "catalog.toml", None, tmp_path / "data", path)
    assert said in capsys.readouterr().out


async def test_a_changed_declaration_changes_that_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    await apply_to(data, read_declaration(written(tmp_path)))
    renamed = read_declaration(written(tmp_path, INSTANCE.replace("Person One", "Person Uno")))
    assert await apply_to(data, renamed) == ["catalog unchanged", "client budget unchanged", "person one changed"]
    async with open_state(data) as state:
        person = await state.read(lambda tx: tx.people.by_username("one"))
    assert person is not None
    assert (person.name, person.resource_names) == ("Person Uno", {"bank": "owner-1"})
    assert person.password is not None
    assert "long enough" not in person.password


FORBIDS = '@id("ours.tax") forbid (principal, action, resource) when { context.purpose == "tax" };'


async def test_the_organisations_policy_is_kept_and_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = written(tmp_path, 'policy = "own.cedar"\n' + INSTANCE)
    (tmp_path / "own.cedar").write_text(FORBIDS)
    assert (await apply_to(data, read_declaration(file)))[:2] == ["policy changed", "catalog changed"]
    assert (await apply_to(data, read_declaration(file)))[:2] == ["policy unchanged", "catalog unchanged"]
    assert Places(data).policy.read_text() == FORBIDS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('@id("ours") permit (principal, action, resource);', "may only forbid"),
        ("forbid (principal, action, resource);", "needs its own @id"),
        ('@id("ours") forbid (principal, action, resource) when { context.nothing == 1 };', "do not fit"),
        ("this is not Cedar", "cannot be read"),
    ],
)
async def test_a_policy_that_is_wrong_changes_nothing(tmp_path: Path, text: str, says: str) -> None:
    data = tmp_path / "data"
    file = written(tmp_path, 'policy = "own.cedar"\n' + INSTANCE)
    (tmp_path / "own.cedar").write_text(text)
    with pytest.raises(InvalidConfiguration, match=says):
        await apply_to(data, read_declaration(file))
    assert not Places(data).catalog.exists()
    assert not Places(data).policy.exists()


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        ("bank.transactions", "bank.transaction", "$.clients[0].scopes[0]"),
        ("{ bank =", "{ bonk =", "$.people[0].resource_names"),
    ],
)
@pytest.mark.parametrize("catalog", ["declared", "kept"])
async def test_a_name_that_no_catalog_has_is_named_and_nothing_changes(
    tmp_path: Path, right: str, wrong: str, path: str, catalog: str
) -> None:
    data = tmp_path / "data"
    if catalog == "kept":
        await apply_to(data, read_declaration(written(tmp_path, 'catalog = "catalog.toml"')))
    text = INSTANCE.replace(right, wrong)
    text = text if catalog == "declared" else text.replace('catalog = "catalog.toml"', "")
    with pytest.raises(InvalidConfiguration) as refused:
        await apply_to(data, read_declaration(written(tmp_path, text)))
    assert refused.value.message.startswith(path)
    assert not (data / "authority" / "state.db").exists() or catalog == "kept"


SERVICE = """
[[clients]]
id = "reporting"
name = "Reporting"
publisher = "Reporting Ltd"
web = "https://reporting.example"
kind = "service"
auth = "private_key_jwt"
scopes = ["calendar.events"]
grants = ["client_credentials"]
jwks = [{ kty = "EC", crv = "P-256", x = "%s", y = "%s" }]

[[service_grants]]
client = "reporting"
scopes = ["calendar.events"]
purpose = "budgeting"

[[trusted_issuers]]
issuer = "https://partner.example"
clients = ["reporting"]
subjects = "username"
jwks = [{ kty = "EC", crv = "P-256", alg = "ES256", x = "%s", y = "%s" }]
"""


def serving(tmp_path: Path) -> Path:
    """The instance with a service of its own, and an issuer."""
    jwk = SigningKey.generate().public.jwk
    return written(tmp_path, INSTANCE + SERVICE % (jwk["x"], jwk["y"], jwk["x"], jwk["y"]))


async def test_a_service_grant_and_an_issuer_are_declared_and_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Covers: line 2 (client credentials on a consent that an operator gave; trusted issuers)."""
    declaration, data = read_declaration(serving(tmp_path)), tmp_path / "data"
    first, second = [(await apply_to(data, declaration))[-2:] for _ in range(2)]
    assert first == ["service grant reporting given", "issuer https://partner.example changed"]
    assert second == ["service grant reporting unchanged", "issuer https://partner.example unchanged"]
    async with open_state(data) as state:
        (given,) = await state.read(lambda tx: tx.consents.of_client(ClientId("reporting"), limit=10))
    await asyncio.to_thread(list_grants, data=data, client=None, limit=10, json=False)
    line = next(line for line in capsys.readouterr().out.splitlines() if given.consent_id in line)
    assert "reporting" in line
    assert "active" in line


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('purpose = "budgeting"', 'purpose = "no-such"', "$.service_grants[0].purpose: "),
        ('purpose = "budgeting"', "", "$.service_grants[0]: "),
        ('purpose = "budgeting"', 'purpose = "budgeting"\nscope = 1', "$.service_grants[0]: "),
        ('grants]]\nclient = "reporting"', 'grants]]\nclient = "budget"', "$.service_grants[0].client: "),
        ('subjects = "username"', 'subjects = "email"', "$.trusted_issuers[0].subjects: "),
        ('subjects = "username"', 'subjects = "declared"', "$.trusted_issuers[0].people: "),
        ('alg = "ES256"', 'alg = "HS256"', "$.trusted_issuers[0].jwks[0].alg: "),
        ('alg = "ES256", ', "", "$.trusted_issuers[0].jwks[0].alg: "),
        ('subjects = "username"', 'subjects = "username"\nalgorithms = ["none"]', "$.trusted_issuers[0].algorithms: "),
        ('"https://partner.example"', '"javascript:alert(1)"', "$.trusted_issuers[0].issuer: "),
    ],
)  # fmt: skip
async def test_a_wrong_service_grant_or_issuer_names_its_place_and_changes_nothing(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    path = serving(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InvalidConfiguration) as wrong:
        await apply_to(tmp_path / "data", read_declaration(path))
    assert wrong.value.message.startswith(place), wrong.value.message
    assert not Places(tmp_path / "data").catalog.exists()
