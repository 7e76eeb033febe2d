"""What processes prove themselves with, and what seals people's second steps: sealed at rest, old files too."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from grantline.app.authority import authority
from grantline.app.own_secrets import open_own_secrets
from grantline.app.places import Places
from grantline.app.root_key import open_root_key
from grantline.app.setup import AUTHORITY, prepare
from grantline.app.state import open_state
from grantline.authorization.keys import KeySettings
from grantline.crypto.custody.envelope import is_sealed
from grantline.crypto.custody.file import write_private
from grantline.crypto.es256 import SigningKey
from grantline.gateway.instance_key import instance_key
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.errors import InvalidConfiguration
from grantline.settings import Settings
from tests.authorization_world import HandClock
from tests.instance_world import ISSUER

ONE = KeySettings(algorithms=("ES256",))


async def started(data: Path, keys: KeySettings = ONE) -> None:
    """An authority over this directory, started and stopped."""
    prepare(data, keys)
    settings = Settings(keys=keys)
    async with open_state(data, create=True) as state, authority(settings, data, state, ISSUER, HandClock()):
        pass


def in_clear(data: Path) -> list[str]:
    """Files of the authority's keys that are not sealed."""
    files = [path for path in (data / "authority" / "keys").rglob("*") if path.is_file()]
    return [path.name for path in files if not is_sealed(path.read_bytes())]


async def test_every_secret_of_the_authority_is_sealed_but_the_root_key_itself(tmp_path: Path) -> None:
    """Covers: check 114."""
    await started(tmp_path)
    assert in_clear(tmp_path) == ["root.key"]
    assert {"identity.key", "pairwise.key", "producer.pem"} <= {
        path.name for path in (tmp_path / "authority" / "keys").iterdir()
    }


async def test_what_an_earlier_release_left_in_clear_is_sealed_and_stays_the_same(tmp_path: Path) -> None:
    places, producer = Places(tmp_path), SigningKey.generate()
    write_private(places.identity_key, b"i" * 32)
    write_private(places.pairwise_key, b"p" * 32)
    write_private(places.producer_key, producer.to_pem())
    registered = msgspec.json.encode({AUTHORITY: producer.public.jwk})
    write_private(LedgerPlaces(tmp_path).producers, registered)
    for _ in range(2):
        await started(tmp_path)
        assert in_clear(tmp_path) == ["root.key"]
        own = open_own_secrets(places, open_root_key(ONE, places))
        assert (own.identity, own.pairwise) == (b"i" * 32, b"p" * 32)
        assert own.producer.public.thumbprint == producer.public.thumbprint
        assert LedgerPlaces(tmp_path).producers.read_bytes() == registered


async def test_a_passphrase_set_later_wraps_what_opens_them(tmp_path: Path) -> None:
    await started(tmp_path / "data")
    before = open_own_secrets(places := Places(tmp_path / "data"), open_root_key(ONE, places))
    phrase = tmp_path / "phrase"
    write_private(phrase, b"correct horse battery staple")
    wrapped = replace(ONE, passphrase_file=phrase)
    await started(tmp_path / "data", wrapped)
    after = open_own_secrets(places, open_root_key(wrapped, places))
    assert after.identity == before.identity
    assert after.producer.public.kid == before.producer.public.kid
    with pytest.raises(InvalidConfiguration, match="needs its passphrase"):
        open_own_secrets(places, open_root_key(ONE, places))


def test_a_new_instance_is_made_under_a_passphrase_from_its_first_file_on(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    write_private(phrase, b"correct horse battery staple")
    prepare(tmp_path / "data", replace(ONE, passphrase_file=phrase))
    with pytest.raises(InvalidConfiguration, match="needs its passphrase"):
        open_root_key(ONE, Places(tmp_path / "data"))


def test_a_gateways_key_is_sealed_and_one_of_an_earlier_release_taken_over(tmp_path: Path) -> None:
    """Covers: check 114."""
    new = instance_key(tmp_path / "new")
    assert is_sealed((tmp_path / "new" / "instance.pem").read_bytes())
    assert instance_key(tmp_path / "new").public.kid == new.public.kid
    earlier, place = SigningKey.generate(), tmp_path / "old" / "instance.pem"
    write_private(place, earlier.to_pem())
    for _ in range(2):
        assert instance_key(tmp_path / "old").public.kid == earlier.public.kid
        assert is_sealed(place.read_bytes())


def test_a_gateways_key_opens_under_its_own_root_key_and_passphrase_alone(tmp_path: Path) -> None:
    kid = instance_key(tmp_path / "one").public.kid
    assert instance_key(tmp_path / "one", b"phrase").public.kid == kid
    for wrong in (None, b"other"):
        with pytest.raises(InvalidConfiguration):
            instance_key(tmp_path / "one", wrong)
    instance_key(tmp_path / "two")
    (tmp_path / "one" / "instance.pem").replace(tmp_path / "two" / "instance.pem")
    with pytest.raises(InvalidConfiguration, match="cannot be opened"):
        instance_key(tmp_path / "two")


def test_a_file_that_holds_no_key_is_named(tmp_path: Path) -> None:
    write_private(tmp_path / "instance.pem", b"not a key")
    with pytest.raises(InvalidConfiguration, match="holds no P-256 key"):
        instance_key(tmp_path)
