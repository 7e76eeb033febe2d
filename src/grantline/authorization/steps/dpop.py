"""The proof of a key at our own endpoints (RFC 9449 §5, §10.1)."""

import hashlib

from grantline.authorization.http import Request
from grantline.authorization.server import Server
from grantline.authorization.units import PROOF, Burn
from grantline.crypto.dpop import Expected, Proof, ProofError, verify_proof
from grantline.model.errors import InvalidDpopProof


def read_proof(server: Server, request: Request, access_token: str | None = None) -> Proof | None:
    """The proof of this request, or None if it carries none; raises `InvalidDpopProof`.

    The address is our configured one: what a Host header says never counts (checks 101, 127).
    """
    headers = request.values("dpop")
    if not headers:
        return None
    url = f"{server.issuer}{request.path}"
    try:
        return verify_proof(headers, Expected(request.method, url, server.now(), access_token))
    except ProofError as error:
        raise InvalidDpopProof("The DPoP proof is not valid for this request.", detail=str(error)) from error


def burn_of(proof: Proof | None) -> tuple[Burn, ...]:
    """What the proof uses up: its `jti` under its key, for as long as it could be shown again."""
    if proof is None:
        return ()
    digest = hashlib.sha256(f"{proof.jkt}\0{proof.jti}".encode()).digest()
    return (Burn(PROOF, digest, proof.forget_at + 1),)
