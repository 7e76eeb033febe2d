"""What every custody promises, run over each: sealed files, and a PKCS#11 token (SoftHSM)."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grantline.crypto.custody.backend import Custody, KeyUnavailable
from grantline.crypto.custody.root import RootKey
from grantline.crypto.custody.sealed_files import SealedFiles
from grantline.crypto.es256 import verify_jws
from grantline.crypto.signing import ALGORITHMS, SigningKey
from grantline.model.errors import InvalidConfiguration
from tests.softhsm import MODULE, PIN, token

__all__ = ["token"]

ABSENT = "A" * 43


@pytest.fixture(params=["file", "pkcs11"])
def custody(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Custody]:
    if request.param == "file":
        yield SealedFiles(tmp_path / "keys", RootKey(b"r" * 32, plain=True))
        return
    from grantline.crypto.custody.pkcs11 import Pkcs11

    held = Pkcs11(MODULE, request.getfixturevalue("token"), PIN)
    yield held
    held.close()


def signs(key: SigningKey) -> bool:
    text = key.sign_jws(b"{}", "x")
    return verify_jws(text, {key.public.kid: key.public}.get, "x", ALGORITHMS) == b"{}"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_is_made_signs_and_is_opened_again_by_its_thumbprint(custody: Custody, alg: str) -> None:
    made = custody.create(alg)
    assert made.public.kid == made.public.thumbprint
    assert made.public.alg == alg
    again = custody.open(made.public.kid, alg)
    assert dict(again.public.jwk) == dict(made.public.jwk)
    assert signs(made)
    assert signs(again)


def test_a_destroyed_key_is_gone_and_destroying_it_again_is_nothing(custody: Custody) -> None:
    kept, made = custody.create("ES256"), custody.create("ES256")
    custody.destroy(made.public.kid)
    custody.destroy(made.public.kid)
    with pytest.raises(KeyUnavailable):
        custody.open(made.public.kid, "ES256")
    assert signs(custody.open(kept.public.kid, "ES256"))


def test_a_key_that_was_never_there_is_unavailable(custody: Custody) -> None:
    with pytest.raises(KeyUnavailable):
        custody.open(ABSENT, "ES256")


def test_a_key_opened_for_another_algorithm_is_unavailable(custody: Custody) -> None:
    made = custody.create("ES256")
    with pytest.raises(KeyUnavailable):
        custody.open(made.public.kid, "EdDSA")


def test_a_private_half_in_a_token_cannot_be_taken_out(token: str) -> None:
    import pkcs11
    from pkcs11 import Attribute, ObjectClass

    from grantline.crypto.custody.pkcs11 import Pkcs11

    held = Pkcs11(MODULE, token, PIN)
    made = [held.create(alg) for alg in ("ES256", "PS256", "EdDSA")]
    held.close()
    with pkcs11.lib(str(MODULE)).get_token(token_label=token).open(user_pin=PIN) as session:
        found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert len(found) >= len(made)
        assert all(one[Attribute.SENSITIVE] and not one[Attribute.EXTRACTABLE] for one in found)


@pytest.mark.parametrize(("label", "pin"), [("no-such-token", PIN), (None, "0000")])
def test_a_token_that_does_not_open_is_a_wrong_setting_that_does_not_tell_the_pin(
    token: str, label: str | None, pin: str
) -> None:
    from grantline.crypto.custody.pkcs11 import Pkcs11

    with pytest.raises(InvalidConfiguration, match="does not open") as refused:
        Pkcs11(MODULE, label or token, pin)
    assert pin not in refused.value.message + refused.value.detail


def test_a_key_that_another_process_made_is_found_by_an_open_session(token: str) -> None:
    """A command makes the key, the authority that runs signs with it."""
    from grantline.crypto.custody.pkcs11 import Pkcs11

    held = Pkcs11(MODULE, token, PIN)
    code = (
        "from pathlib import Path; from grantline.crypto.custody.pkcs11 import Pkcs11;"
        f"print(Pkcs11(Path({str(MODULE)!r}), {token!r}, {PIN!r}).create('ES256').public.kid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert signs(held.open(done.stdout.strip(), "ES256"))
    held.close()
