"""Proofs of possession: the DPoP header, the claims in it, the keys that come along, nonces and addresses."""

from urllib.parse import urlsplit

import orjson

from grantline.crypto.dpop import TYP, Expected, ProofError, sign_proof, verify_proof
from grantline.crypto.nonces import Nonces
from grantline.crypto.proof_keys import read_proof_key
from grantline.crypto.public_keys import read_public_key
from grantline.crypto.urls import normalised, same_target
from tests.fuzz.keys import JWK, KEY, NOW, signed
from tests.fuzz.target import refused, target, text

EXPECTED = Expected("POST", "https://as.example/token", NOW)
PUBLIC = {name: JWK[name] for name in ("kty", "crv", "x", "y")}
assert verify_proof((sign_proof(KEY, "POST", EXPECTED.url, jti="1", iat=NOW),), EXPECTED)


@target
def dpop_header(data: bytes) -> None:
    """The header as it came."""
    with refused(ProofError):
        verify_proof((text(data),), EXPECTED)


@target
def dpop_claims(data: bytes) -> None:
    """Any claims under the signature of a key that came along."""
    with refused(ProofError):
        proof = verify_proof((signed(data, typ=TYP, jwk=PUBLIC),), EXPECTED)
        assert proof.jkt == KEY.public.thumbprint
        assert proof.jti
        assert abs(proof.iat - NOW) <= 61


@target
def public_jwk(data: bytes) -> None:
    """Keys of strangers: no private member ever passes, and a thumbprint is one."""
    try:
        jwk = orjson.loads(data)
    except ValueError:
        return
    if not isinstance(jwk, dict):
        return
    for algorithm in ("ES256", "EdDSA", "PS256"):
        with refused(ValueError):
            key = read_proof_key(algorithm, jwk)
            assert not {"d", "p", "q", "k"} & set(jwk)
            assert len(key.thumbprint) == 43
            assert key.verify(b"message", b"signature") is False
    with refused(ValueError):
        assert len(read_public_key(jwk).thumbprint) == 43


@target
def dpop_nonce(data: bytes) -> None:
    """No nonce is good that was not handed out."""
    assert Nonces(bytes(32)).is_good(text(data), NOW) is False


@target
def proof_address(data: bytes) -> None:
    """Normalising twice changes nothing more, and no other host is the same."""
    url = text(data)
    with refused(ValueError):
        once = normalised(url)
        assert normalised(once) == once
        assert same_target(url, once)
        assert "?" not in once
        assert "#" not in once
        if same_target(url, EXPECTED.url):
            assert urlsplit(url).hostname == "as.example"
