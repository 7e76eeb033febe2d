"""Whoever holds the key of a token that somebody else brings along says that this one may (RFC 8693, RFC 9449).

No specification gives a form to this. Ours: the header `Subject-DPoP` holds a DPoP proof by the holder's key for this
endpoint, with the `ath` of exactly that token and one more claim, `act`, whose `sub` is the client that may exchange
it. A token that is bound to a certificate is proven alike, by the certificate's key, with the certificate in `x5c`.
"""

import base64
import hashlib

import msgspec
from cryptography import x509

from grantline.authorization.endpoints.paths import TOKEN
from grantline.authorization.grants import Redeeming
from grantline.authorization.steps.dpop import burn_of
from grantline.authorization.units import burn
from grantline.crypto.dpop import Expected, Proof, ProofError, verify_proof
from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.public_keys import public_key
from grantline.model.errors import InvalidDpopProof
from grantline.model.reading import decoded
from grantline.model.token import Confirmation

HOLDER_PROOF = "subject-dpop"


class _Actor(msgspec.Struct, frozen=True):
    sub: str


class _Handing(msgspec.Struct, frozen=True):
    """The claim of the proof that is ours."""

    act: _Actor


class _Header(msgspec.Struct, frozen=True):
    alg: str
    x5c: tuple[str, ...] = ()


async def require_holder(redeeming: Redeeming, token: str, bound: Confirmation | None) -> None:
    """Raise `InvalidDpopProof` unless the holder of `token` takes part: it asks itself, or has signed for who does.

    A proof counts once; its `jti` is used up in this transaction.
    """
    if bound is None or _is_the_same(redeeming, bound):
        return
    try:
        proof = _proof(redeeming, token, bound)
    except (ProofError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidDpopProof(
            "The token to exchange is bound to another key; its holder's proof belongs in Subject-DPoP.",
            detail=str(error),
        ) from error
    server = redeeming.server
    await burn(redeeming.tx, burn_of(proof), redeeming.now, server.settings.burned_capacity)


def _is_the_same(redeeming: Redeeming, bound: Confirmation) -> bool:
    """True if this very request proved the key or came with the certificate."""
    if bound.jkt is not None:
        return bound.jkt == redeeming.jkt
    return bound.x5t is not None and bound.x5t == redeeming.x5t


def _proof(redeeming: Redeeming, token: str, bound: Confirmation) -> Proof:
    server = redeeming.server
    expected = Expected("POST", server.issuer + TOKEN, redeeming.now, access_token=token, jkt=bound.jkt)
    proof = verify_proof(redeeming.holder_proofs, expected)
    head, body, _ = redeeming.holder_proofs[0].split(".")
    if bound.jkt is None:
        _require_certificate(decoded(unb64url(head), _Header), proof, bound)
    if decoded(unb64url(body), _Handing).act.sub != redeeming.client.id:
        raise ValueError("signed for another client")
    return proof


def _require_certificate(header: _Header, proof: Proof, bound: Confirmation) -> None:
    """The proof's key is that of the certificate to which the token is bound (RFC 8705 §3.1)."""
    if len(header.x5c) != 1:
        raise ValueError("the proof of a token that is bound to a certificate carries just this one in x5c")
    der = base64.b64decode(header.x5c[0], validate=True)
    if b64url(hashlib.sha256(der).digest()) != bound.x5t:
        raise ValueError("another certificate")
    key = x509.load_der_x509_certificate(der).public_key()
    if public_key(key, header.alg).thumbprint != proof.jkt:  # type: ignore[arg-type]
        raise ValueError("not the certificate's key")
