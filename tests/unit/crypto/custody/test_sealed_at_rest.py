"""Secrets at rest: sealed under the root key; what was changed, moved or of another root does not open."""

import contextlib
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantline.crypto import private_keys
from grantline.crypto.custody.backend import KeyUnavailable
from grantline.crypto.custody.envelope import Envelope, NotOpened, is_sealed, seal, unseal
from grantline.crypto.custody.file import create_private
from grantline.crypto.custody.root import RootKey, open_root
from grantline.crypto.custody.sealed_files import SealedFiles, read_sealed
from grantline.model.errors import InvalidConfiguration

KEY, OTHER = b"k" * 32, b"o" * 32
ROOT = RootKey(KEY, plain=True)


@given(secret=st.binary(max_size=300), flip=st.integers(min_value=0))
def test_a_secret_comes_back_and_no_changed_bit_of_its_envelope_gives_another(secret: bytes, flip: int) -> None:
    sealed = seal(KEY, "it", secret)
    assert unseal(KEY, "it", sealed) == secret
    changed = bytearray(sealed)
    changed[(flip // 8) % len(changed)] ^= 1 << flip % 8
    with contextlib.suppress(NotOpened):
        assert unseal(KEY, "it", bytes(changed)) == secret  # JSON has spellings: a changed one may mean the same.


@pytest.mark.parametrize("member", ["grantline", "v", "enc", "name", "nonce", "sealed"])
def test_every_member_of_an_envelope_counts(member: str) -> None:
    tree = msgspec.json.decode(seal(KEY, "it", b"secret"))
    tree[member] = 2 if member == "v" else "AAAAAAAAAAAAAAAA"
    with pytest.raises(NotOpened):
        unseal(KEY, "it", msgspec.json.encode(tree))


def test_an_envelope_in_anothers_place_does_not_open() -> None:
    with pytest.raises(NotOpened):
        unseal(KEY, "that", seal(KEY, "this", b"secret"))
    renamed = msgspec.structs.replace(msgspec.json.decode(seal(KEY, "this", b"secret"), type=Envelope), name="that")
    with pytest.raises(NotOpened):
        unseal(KEY, "that", msgspec.json.encode(renamed))


def test_an_envelope_of_another_root_key_does_not_open() -> None:
    with pytest.raises(NotOpened):
        unseal(OTHER, "it", seal(KEY, "it", b"secret"))


def test_an_envelope_of_a_newer_form_says_so() -> None:
    tree = msgspec.json.decode(seal(KEY, "it", b"secret"))
    with pytest.raises(NotOpened, match="newer release"):
        unseal(KEY, "it", msgspec.json.encode({**tree, "v": 2}))


def test_a_key_file_holds_the_key_only_sealed_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = SealedFiles(tmp_path, ROOT).keep(pkcs8 := private_keys.generate("ES256"), "ES256")
    (path,) = tmp_path.iterdir()
    assert path.name == f"{key.public.kid}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_sealed(path.read_bytes())
    scalar = key._key.private_numbers().private_value.to_bytes(32, "big")  # type: ignore[attr-defined]
    assert scalar in pkcs8
    assert scalar not in path.read_bytes()


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path, ROOT)
    kid = files.create("ES256").public.kid
    (tmp_path / f"{kid}.key").chmod(0o640)
    with pytest.raises(InvalidConfiguration, match="can be read by others"):
        files.open(kid, "ES256")


def test_a_key_file_under_another_keys_name_is_unavailable(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path, ROOT)
    one, two = (files.create("ES256").public.kid for _ in range(2))
    (tmp_path / f"{one}.key").rename(tmp_path / f"{two}.key")
    with pytest.raises(KeyUnavailable):
        files.open(two, "ES256")


@pytest.mark.parametrize("kid", ["../../etc/passwd", "", "A" * 42, "A" * 42 + "/"])
def test_a_kid_that_is_no_thumbprint_names_no_file(tmp_path: Path, kid: str) -> None:
    with pytest.raises((KeyUnavailable, ValueError)):
        SealedFiles(tmp_path, ROOT).open(kid, "ES256")
    with pytest.raises(ValueError, match=r"thumbprint|base64url"):
        SealedFiles(tmp_path, ROOT).destroy(kid)


def test_what_an_older_release_left_in_clear_is_read_and_sealed(tmp_path: Path) -> None:
    path = tmp_path / "pairwise.key"
    path.write_bytes(b"p" * 32)
    path.chmod(0o600)
    assert read_sealed(path, ROOT) == b"p" * 32
    assert is_sealed(path.read_bytes())
    assert b"p" * 8 not in path.read_bytes()
    assert read_sealed(path, ROOT) == b"p" * 32
    with pytest.raises(InvalidConfiguration, match="cannot be opened"):
        read_sealed(path, RootKey(OTHER, plain=True))


def test_a_root_key_is_made_once_and_stays(tmp_path: Path) -> None:
    first = open_root(tmp_path / "root.key", None)
    assert first.plain
    assert open_root(tmp_path / "root.key", None).key == first.key
    assert [path.name for path in tmp_path.iterdir()] == ["root.key"]
    assert first.key.hex() not in repr(first)


def test_two_that_make_the_root_key_at_once_hold_the_same(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    first = open_root(path, None)
    create_private(path, b"another")  # The second had looked before the first wrote.
    assert open_root(path, None).key == first.key


def test_a_passphrase_wraps_a_plain_root_key_without_changing_it(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    before = open_root(path, None)
    after = open_root(path, b"correct horse")
    assert after.key == before.key
    assert not after.plain
    text = path.read_text()
    assert "plain" not in text
    assert open_root(path, b"correct horse").key == before.key


@pytest.mark.parametrize(("secret", "told"), [(None, "needs its passphrase"), (b"wrong", "does not open")])
def test_a_wrapped_root_key_does_not_open_without_its_passphrase(
    tmp_path: Path, secret: bytes | None, told: str
) -> None:
    open_root(tmp_path / "root.key", b"right")
    with pytest.raises(InvalidConfiguration, match=told):
        open_root(tmp_path / "root.key", secret)
