"""The proof of a key at our own endpoints (RFC 9449 §5, §8, §10.1)."""

import hashlib
import hmac
from functools import lru_cache

from grantline.authorization.http import Request
from grantline.authorization.server import Server
from grantline.authorization.units import PROOF, Burn
from grantline.crypto.dpop import Expected, Proof, ProofError, ProofNonceNeeded, verify_proof
from grantline.crypto.nonces import Nonces
from grantline.model.errors import InvalidDpopProof, UseDpopNonce


def read_proof(server: Server, request: Request, access_token: str | None = None) -> Proof | None:
    """The proof of this request, or None if it carries none; raises `InvalidDpopProof` or `UseDpopNonce`.

    The address is the configured one of the door it came by: what a Host header says never counts (checks 101, 127).
    """
    headers = request.values("dpop")
    if not headers:
        return None
    now = server.now()
    expected = Expected(
        method=request.method,
        url=f"{request.base or server.issuer}{request.path}",
        now=now,
        access_token=access_token,
        nonce_is_good=(lambda nonce: nonces(server).is_good(nonce, now)) if server.settings.proof_nonce else None,
    )
    try:
        return verify_proof(headers, expected)
    except ProofNonceNeeded as error:
        raise UseDpopNonce("Put the nonce of this answer into the proof and try again.", detail=str(error)) from error
    except ProofError as error:
        raise InvalidDpopProof("The DPoP proof is not valid for this request.", detail=str(error)) from error


def burn_of(proof: Proof | None) -> tuple[Burn, ...]:
    """What the proof uses up: its `jti` under its key, for as long as it could be shown again."""
    if proof is None:
        return ()
    digest = hashlib.sha256(f"{proof.jkt}\0{proof.jti}".encode()).digest()
    return (Burn(PROOF, digest, proof.forget_at + 1),)


def nonces(server: Server) -> Nonces:
    """Those of all authorities that share our keys: a nonce of one is good at the other (check 100)."""
    return nonces_from(server.keys.refresh)


@lru_cache(maxsize=8)
def nonces_from(secret: bytes) -> Nonces:
    """The nonces that go with a secret of ours (32 bytes)."""
    return Nonces(hmac.digest(secret, b"grantline dpop nonces", hashlib.sha256))
