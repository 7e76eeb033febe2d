"""Every algorithm behind one interface: what we sign others verify, what does not fit is refused."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet

from grantline.crypto import private_keys
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.crypto.public_keys import PRIVATE, read_public_key
from grantline.crypto.signing import ALGORITHMS, SigningKey

KEYS: dict[str, SigningKey] = {alg: private_keys.read(private_keys.generate(alg), alg) for alg in ALGORITHMS}
KINDS = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA", "EdDSA": "OKP"}


def finding(key: SigningKey) -> Any:
    return {key.public.kid: key.public}.get


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_joserfc_verifies_what_we_sign_and_finds_the_key_in_our_set(alg: str) -> None:
    key = KEYS[alg]
    held = KeySet.import_key_set({"keys": [dict(one.public.jwk) for one in KEYS.values()]})
    opened = jws.deserialize_compact(key.sign_jws(b'{"a":1}', "at+jwt"), held, algorithms=[alg])
    assert opened.payload == b'{"a":1}'
    assert opened.headers() == {"alg": alg, "typ": "at+jwt", "kid": key.public.kid}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_we_verify_what_joserfc_signs_with_the_same_key(alg: str) -> None:
    from joserfc import jwk

    private = private_keys.generate(alg)
    key = private_keys.read(private, alg)
    pem = serialization.load_der_private_key(private, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    theirs = jwk.import_key(pem, KINDS[alg])
    text = jws.serialize_compact({"alg": alg, "typ": "x", "kid": key.public.kid}, b"hello", theirs, algorithms=[alg])
    assert verify_jws(text, finding(key), "x", ALGORITHMS) == b"hello"
    assert key.public.thumbprint == theirs.thumbprint()


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_published_key_has_no_private_member_and_reads_back(alg: str) -> None:
    """Covers: check 114."""
    jwk = KEYS[alg].public.jwk
    assert PRIVATE.isdisjoint(jwk)
    assert read_public_key(jwk).jwk == jwk
    assert {"kid", "alg", "use"} <= jwk.keys()


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("member", sorted(PRIVATE))
def test_a_key_with_a_private_member_is_not_read(alg: str, member: str) -> None:
    with pytest.raises(ValueError, match="private"):
        read_public_key({**KEYS[alg].public.jwk, member: "AA"})


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_rsa_below_2048_bits_neither_signs_nor_verifies(alg: str) -> None:
    """Covers: check 115."""
    weak = rsa.generate_private_key(65_537, 1_024)
    numbers = weak.public_key().public_numbers()
    with pytest.raises(ValueError, match="2048"):
        private_keys.signing_key(weak, alg)
    jwk = {"kty": "RSA", "alg": alg, "n": b64url(numbers.n.to_bytes(128, "big")), "e": "AQAB"}
    with pytest.raises(ValueError, match="2048"):
        read_public_key(jwk)


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP384R1(), ec.SECP256K1()])
def test_no_curve_but_p_256_signs_es256(curve: ec.EllipticCurve) -> None:
    """Covers: check 115."""
    with pytest.raises(ValueError, match="does not fit"):
        private_keys.signing_key(ec.generate_private_key(curve), "ES256")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_another_kind_does_not_sign_for_an_algorithm(alg: str) -> None:
    other = ed25519.Ed25519PrivateKey.generate() if alg != "EdDSA" else ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match="does not fit"):
        private_keys.signing_key(other, alg)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_verifier_that_lists_other_algorithms_refuses(alg: str) -> None:
    text = KEYS[alg].sign_jws(b"{}", "x")
    assert verify_jws(text, finding(KEYS[alg]), "x", (alg,)) == b"{}"
    with pytest.raises(InvalidJws, match="algorithm"):
        verify_jws(text, finding(KEYS[alg]), "x", [one for one in ALGORITHMS if one != alg])


def test_a_key_for_ps256_verifies_no_rs256_though_both_are_accepted() -> None:
    """The same RSA key with another padding: the header may not choose (RFC 8725 §3.1)."""
    private = private_keys.generate("RS256")
    one, other = private_keys.read(private, "RS256"), private_keys.read(private, "PS256")
    assert one.public.kid == other.public.kid
    with pytest.raises(InvalidJws, match="another algorithm"):
        verify_jws(one.sign_jws(b"{}", "x"), finding(other), "x", ALGORITHMS)


@pytest.mark.parametrize("alg", [None, ["ES256"], {"ES256": 1}, 256, "none", "HS256", "es256"])
def test_an_alg_that_is_no_algorithm_of_ours_is_refused(alg: object) -> None:
    key = KEYS["ES256"]
    header = b64url(json.dumps({"alg": alg, "typ": "x", "kid": key.public.kid}).encode())
    with pytest.raises(InvalidJws, match="algorithm"):
        verify_jws(f"{header}.e30.AA", finding(key), "x", frozenset(ALGORITHMS))


@pytest.mark.parametrize("alg", ALGORITHMS)
@given(payload=st.binary(max_size=200), flip=st.integers(min_value=0))
def test_any_payload_comes_back_and_any_flipped_bit_is_refused(alg: str, payload: bytes, flip: int) -> None:
    key = KEYS[alg]
    text = key.sign_jws(payload, "x")
    assert verify_jws(text, finding(key), "x", (alg,)) == payload
    bits = bytearray(text.encode())
    bits[(flip // 8) % len(bits)] ^= 1 << flip % 8
    with pytest.raises(InvalidJws):
        verify_jws(bits.decode("latin-1"), finding(key), "x", (alg,))
