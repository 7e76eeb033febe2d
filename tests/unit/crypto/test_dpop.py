"""The proof of possession, one promise per way to get it wrong (conformance row dpop-negative-tests)."""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from grantline.crypto.dpop import (
    FUTURE_SECONDS,
    PAST_SECONDS,
    Expected,
    Proof,
    ProofError,
    ProofInvalid,
    ProofMissing,
    ProofNonceNeeded,
    access_token_hash,
    sign_proof,
    verify_proof,
)
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey

NOW = 1_800_000_000
URL = "https://api.example/accounts"
TOKEN = "header.body.signature"
WANTED = Expected(method="GET", url=URL, now=NOW, access_token=TOKEN)


def claims(**changes: Any) -> dict[str, Any]:
    whole = {"jti": "j1", "htm": "GET", "htu": URL, "iat": NOW, "ath": access_token_hash(TOKEN)} | changes
    return {name: value for name, value in whole.items() if value is not ...}


def proof(key: Any, payload: dict[str, Any], alg: str = "ES256", **header: Any) -> str:
    """Made by joserfc, so that our reader is judged by another's hand."""
    whole = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | header
    protected = {name: value for name, value in whole.items() if value is not ...}
    return jws.serialize_compact(protected, json.dumps(payload).encode(), key, registry=LOOSE)


class _Loose(jws.JWSRegistry):
    """joserfc refuses to make some headers that we must refuse to read."""

    def check_header(self, header: dict[str, Any]) -> None:
        return None


LOOSE = _Loose(algorithms=list(jws.JWSRegistry.algorithms))


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048)


def test_a_proof_for_this_very_request_holds(key: ECKey) -> None:
    """Covers: check 98."""
    assert verify_proof([proof(key, claims())], WANTED) == Proof(
        jkt=key.thumbprint(), jti="j1", iat=NOW, nonce=None, forget_at=NOW + PAST_SECONDS + FUTURE_SECONDS
    )


def test_our_own_maker_and_reader_agree() -> None:
    signer = SigningKey.generate()
    made = sign_proof(signer, "POST", URL, jti="x", iat=NOW, access_token=TOKEN, nonce="n")
    wanted = Expected("POST", URL, NOW, TOKEN, signer.public.thumbprint, lambda nonce: nonce == "n")
    assert verify_proof([made], wanted).nonce == "n"


@pytest.mark.parametrize("alg", ["EdDSA", "PS256"])
def test_the_other_asymmetric_algorithms_hold_too(alg: str, rsa: RSAKey) -> None:
    other = OKPKey.generate_key("Ed25519") if alg == "EdDSA" else rsa
    assert verify_proof([proof(other, claims(), alg)], WANTED).jkt == other.thumbprint()
    spoilt = proof(other, claims(), alg)[:-8] + "AAAAAAAA"
    with pytest.raises(ProofInvalid):
        verify_proof([spoilt], WANTED)


def test_no_header_is_told_apart_from_a_bad_one() -> None:
    with pytest.raises(ProofMissing):
        verify_proof([], WANTED)


def test_two_headers_are_refused_even_if_both_are_good(key: ECKey) -> None:
    """Covers: check 102."""
    with pytest.raises(ProofInvalid, match="more than one"):
        verify_proof([proof(key, claims()), proof(key, claims(jti="j2"))], WANTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": ...},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
        {"htm": ...},
        {"htm": "POST"},
        {"htm": "get"},
        {"htu": ...},
        {"htu": "https://api.example/other"},
        {"htu": "http://api.example/accounts"},
        {"htu": "https://api.example:444/accounts"},
        {"htu": "https://u@api.example/accounts"},
        {"htu": "/accounts"},
        {"htu": URL + "\n"},
        {"iat": ...},
        {"iat": str(NOW)},
        {"iat": NOW - 3600},
        {"iat": NOW + 3600},
        {"iat": NOW - PAST_SECONDS - 1},
        {"iat": NOW + FUTURE_SECONDS + 1},
        {"ath": ...},
        {"ath": access_token_hash("another")},
    ],
    ids=repr,
)
def test_a_proof_for_something_else_is_refused(key: ECKey, changes: dict[str, Any]) -> None:
    """Covers: check 98, check 101."""
    with pytest.raises(ProofInvalid):
        verify_proof([proof(key, claims(**changes))], WANTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"htu": URL + "?page=2"},
        {"htu": URL + "#top"},
        {"htu": "HTTPS://API.Example:443/accounts"},
        {"htu": "https://api.example/x/../%61ccounts"},
        {"iat": NOW - PAST_SECONDS},
        {"iat": NOW + FUTURE_SECONDS},
        {"unknown": {"claims": "are ignored"}},
    ],
    ids=repr,
)
def test_what_the_specification_lets_differ_passes(key: ECKey, changes: dict[str, Any]) -> None:
    """Covers: check 101."""
    assert verify_proof([proof(key, claims(**changes))], WANTED).jti == "j1"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": ...},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"jwk": ...},
        {"jwk": "text"},
        {"crit": ["exp"]},
        {"alg": "none"},
    ],
    ids=repr,
)
def test_a_header_that_is_not_a_proofs_is_refused(key: ECKey, header: dict[str, Any]) -> None:
    """Covers: check 98, check 104."""
    with pytest.raises(ProofInvalid):
        verify_proof([proof(key, claims(), **({"alg": "ES256"} | header))], WANTED)


def test_a_missing_algorithm_is_refused(key: ECKey) -> None:
    head = b64url(json.dumps({"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}).encode())
    _, body, tail = proof(key, claims()).split(".")
    with pytest.raises(ProofInvalid, match="algorithm"):
        verify_proof([f"{head}.{body}.{tail}"], WANTED)


def test_symmetric_keys_and_pkcs1_are_refused(rsa: RSAKey) -> None:
    """Covers: check 104."""
    octets = OctKey.generate_key(256)
    for made in (
        proof(octets, claims(), "HS256", jwk={"kty": "oct", "k": b64url(octets.raw_value)}),
        proof(rsa, claims(), "RS256"),
    ):
        with pytest.raises(ProofInvalid, match="algorithm"):
            verify_proof([made], WANTED)


def test_a_private_key_in_the_header_is_refused(key: ECKey) -> None:
    with pytest.raises(ProofInvalid, match="private"):
        verify_proof([proof(key, claims(), jwk=key.as_dict(private=True))], WANTED)


def test_an_algorithm_that_does_not_fit_its_key_is_refused(key: ECKey, rsa: RSAKey) -> None:
    with pytest.raises(ProofInvalid):
        verify_proof([proof(rsa, claims(), "PS256", jwk=key.as_dict(private=False))], WANTED)


def test_a_short_rsa_key_is_refused() -> None:
    """Covers: check 115."""
    with pytest.raises(ProofInvalid, match="RSA"):
        verify_proof([proof(RSAKey.generate_key(1024), claims(), "PS256")], WANTED)


def test_a_signature_by_another_key_is_refused(key: ECKey) -> None:
    other = ECKey.generate_key("P-256")
    with pytest.raises(ProofInvalid, match="signature"):
        verify_proof([proof(other, claims(), jwk=key.as_dict(private=False))], WANTED)


def test_a_good_proof_of_a_key_that_is_not_bound_is_refused(key: ECKey) -> None:
    """Covers: check 98."""
    wanted = Expected("GET", URL, NOW, TOKEN, jkt=ECKey.generate_key("P-256").thumbprint())
    with pytest.raises(ProofInvalid, match="bound"):
        verify_proof([proof(key, claims())], wanted)


@pytest.mark.parametrize(
    "text", ["", "a.b", "a.b.c.d", "ä.ö.ü", "!!.!!.!!", "e30.e30.e30", "x" * 9_000, "bnVsbA.e30.e30"]
)
def test_what_is_no_jws_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid):
        verify_proof([text], WANTED)


def test_the_nonce_is_asked_for_only_after_all_else_held(key: ECKey) -> None:
    """Covers: check 100."""
    wanted = Expected("GET", URL, NOW, TOKEN, nonce_is_good=lambda nonce: nonce == "good")
    for nonce in (..., "old"):
        with pytest.raises(ProofNonceNeeded):
            verify_proof([proof(key, claims(nonce=nonce))], wanted)
    with pytest.raises(ProofInvalid):
        verify_proof([proof(key, claims(htm="PUT"))], wanted)
    assert verify_proof([proof(key, claims(nonce="good"))], wanted).nonce == "good"


def test_every_refusal_is_one_kind_of_error() -> None:
    assert all(issubclass(kind, ProofError) for kind in (ProofInvalid, ProofMissing, ProofNonceNeeded))
