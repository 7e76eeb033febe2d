"""`grantline keys …` beside an authority that runs, and keys that an earlier release left."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grantline.app.authority import authority
from grantline.app.key_commands import compromised, listed, rotated
from grantline.app.places import Places
from grantline.app.setup import prepare
from grantline.app.state import open_state
from grantline.authorization.endpoints import paths
from grantline.authorization.keys import KeySettings, KeyState
from grantline.crypto.custody.envelope import is_sealed
from grantline.crypto.custody.file import write_private
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import Conflict, InvalidConfiguration, NotFound
from grantline.settings import Settings
from tests.authorization_world import HandClock
from tests.instance_world import ISSUER, Instance, instance
from tests.softhsm import MODULE, PIN, token

__all__ = ["token"]

ONE = KeySettings(algorithms=("ES256",))
SETTINGS = Settings(keys=ONE)


async def started(data: Path, settings: Settings = SETTINGS) -> tuple[str, ...]:
    """Start an authority over this directory once; the kids it publishes."""
    prepare(data, settings.keys)
    async with (
        open_state(data, create=True) as state,
        authority(settings, data, state, ISSUER, HandClock()) as composed,
    ):
        return tuple(key.kid for key in composed.server.keys.published)


def cli(data: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "grantline", "keys", *arguments, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


async def jwks(house: Instance) -> list[dict[str, str]]:
    answer = await house.visitor().get(paths.JWKS)
    assert answer.headers["cache-control"] == "public, max-age=600"
    keys: list[dict[str, str]] = answer.json()["keys"]
    return keys


async def test_the_published_set_has_a_key_for_each_algorithm_and_nothing_private(tmp_path: Path) -> None:
    """Covers: check 114, check 115."""
    async with instance(tmp_path, "one") as house:
        keys = await jwks(house)
        assert (
            [key["alg"] for key in keys] == ["ES256", "PS256", "EdDSA"] == list(house.composed.server.keys.algorithms)
        )
        members = {"ES256": {"crv", "x", "y"}, "PS256": {"n", "e"}, "EdDSA": {"crv", "x"}}
        for key in keys:
            assert key.keys() == {"kty", "kid", "alg", "use"} | members[key["alg"]]
        assert len(next(key for key in keys if key["alg"] == "PS256")["n"]) >= 342
        metadata = (await house.visitor().get("/.well-known/openid-configuration")).json()
        assert metadata["id_token_signing_alg_values_supported"] == ["ES256", "PS256", "EdDSA"]


async def test_nothing_private_lies_in_clear_in_the_state_or_the_key_files(tmp_path: Path) -> None:
    """Covers: check 114."""
    await started(tmp_path)
    places = Places(tmp_path)
    (key,) = places.signing_keys.iterdir()
    assert is_sealed(key.read_bytes())
    assert is_sealed(places.pairwise_key.read_bytes())
    assert b'"d":' not in places.state.read_bytes()
    assert b'"x":' in places.state.read_bytes()


async def test_a_key_of_an_earlier_release_is_taken_over_and_goes_on_signing(tmp_path: Path) -> None:
    earlier, places = SigningKey.generate(), Places(tmp_path)
    write_private(places.token_key, earlier.to_pem())
    write_private(places.pairwise_key, b"p" * 32)
    assert await started(tmp_path) == (earlier.public.kid,)
    assert not places.token_key.exists()
    assert await started(tmp_path) == (earlier.public.kid,)
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in places.signing_keys.iterdir())


async def test_a_stray_key_file_of_an_earlier_release_stops_the_start(tmp_path: Path) -> None:
    await started(tmp_path)
    write_private(Places(tmp_path).token_key, SigningKey.generate().to_pem())
    with pytest.raises(InvalidConfiguration, match="not a key of this instance"):
        await started(tmp_path)


async def test_with_a_passphrase_nothing_starts_without_it(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    write_private(phrase, b"correct horse battery staple\n")
    before = await started(tmp_path / "data")
    wrapped = Settings(keys=replace(ONE, passphrase_file=phrase))
    assert await started(tmp_path / "data", wrapped) == before
    with pytest.raises(InvalidConfiguration, match="needs its passphrase"):
        await started(tmp_path / "data")
    write_private(phrase, b"wrong")
    with pytest.raises(InvalidConfiguration, match="does not open"):
        await started(tmp_path / "data", wrapped)


async def test_a_passphrase_that_others_can_read_is_refused_unless_systemd_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = tmp_path / "credentials" / "phrase"
    phrase.parent.mkdir()
    phrase.write_text("secret")
    phrase.chmod(0o440)
    settings = Settings(keys=replace(ONE, passphrase_file=phrase))
    with pytest.raises(InvalidConfiguration, match="can be read by others"):
        await started(tmp_path / "data", settings)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(phrase.parent))
    await started(tmp_path / "data", settings)


async def test_rotating_early_publishes_the_next_key_once(tmp_path: Path) -> None:
    (first,) = await started(tmp_path)
    (following,) = await rotated(tmp_path, SETTINGS, None)
    assert following.state is KeyState.PUBLISHED
    assert await rotated(tmp_path, SETTINGS, "ES256") == (following,)
    assert await started(tmp_path) == (first, following.kid)
    with pytest.raises(NotFound, match="Nothing signs with RS256"):
        await rotated(tmp_path, SETTINGS, "RS256")


async def test_a_compromised_key_is_replaced_by_one_command_and_its_private_half_destroyed(tmp_path: Path) -> None:
    """Covers: check 114."""
    (stolen,) = await started(tmp_path)
    done = await compromised(tmp_path, SETTINGS, stolen)
    assert (done.kid, done.alg) == (stolen, "ES256")
    assert await started(tmp_path) == (done.signs,)
    assert [path.stem for path in Places(tmp_path).signing_keys.iterdir()] == [done.signs]
    assert {row.kid: row.compromised for row in await listed(tmp_path)} == {stolen: True, done.signs: False}
    with pytest.raises(Conflict, match="gone already"):
        await compromised(tmp_path, SETTINGS, stolen)
    assert len(list(Places(tmp_path).signing_keys.iterdir())) == 1
    with pytest.raises(NotFound):
        await compromised(tmp_path, SETTINGS, "nobody")


async def test_a_device_takes_over_with_the_next_key_and_files_go_on_until_then(tmp_path: Path, token: str) -> None:
    pin = tmp_path / "pin"
    write_private(pin, f"{PIN}\n".encode())
    (first,) = await started(tmp_path / "data")
    device = Settings(
        keys=replace(ONE, custody="pkcs11", pkcs11_module=MODULE, pkcs11_token=token, pkcs11_pin_file=pin)
    )
    assert await started(tmp_path / "data", device) == (first,)
    (following,) = await rotated(tmp_path / "data", device, None)
    done = await compromised(tmp_path / "data", device, first)
    assert done.signs == following.kid
    assert following.custody == "pkcs11"
    assert await started(tmp_path / "data", device) == (following.kid,)
    with pytest.raises(InvalidConfiguration, match="no private key at hand for ES256"):
        await started(tmp_path / "data")


@pytest.mark.parametrize(
    ("missing", "named"),
    [({"pkcs11_module": None}, "pkcs11_module"), ({"pkcs11_pin_file": None}, "pkcs11_pin_file")],
)
async def test_a_device_that_is_half_declared_names_what_is_missing(
    tmp_path: Path, missing: dict[str, None], named: str
) -> None:
    keys = replace(ONE, custody="pkcs11", pkcs11_module=MODULE, pkcs11_pin_file=tmp_path / "pin")
    with pytest.raises(InvalidConfiguration, match=named):
        await started(tmp_path, Settings(keys=replace(keys, **missing)))


async def test_the_commands_tell_what_they_did(tmp_path: Path) -> None:
    (first,) = await started(tmp_path)
    (row,) = json.loads(cli(tmp_path, "list", "--json"))
    assert (row["kid"], row["state"], "d" in row["jwk"]) == (first, "active", False)
    assert "ES256: " in (told := cli(tmp_path, "rotate"))
    assert "once every gateway has it" in told
    assert f"{first} is cut off" in (told := cli(tmp_path, "compromised", first))
    assert "signs ES256 in its place" in told
    assert "gone already" in cli(tmp_path, "compromised", first, code=1)
    listing = cli(tmp_path, "list")
    assert "compromised" in listing
    assert "active" in listing


async def test_a_key_whose_id_begins_with_a_hyphen_can_be_named(tmp_path: Path) -> None:
    await started(tmp_path)
    told = cli(tmp_path, "compromised", "-5JFLH1oNPpXxSyVRBDv15iSU2S9FYcC8mKOA2oAKV8", code=1)
    assert "No such option" not in told
    assert "-5JFLH1oNPpXxSyVRBDv15iSU2S9FYcC8mKOA2oAKV8" in told


def test_the_commands_name_a_directory_that_holds_nothing(tmp_path: Path) -> None:
    assert "holds no Grantline instance" in cli(tmp_path / "none", "list", code=1)
    assert "no keys yet" in cli(tmp_path / "none", "compromised", "k", code=1)
