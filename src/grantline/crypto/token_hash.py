"""at_hash, c_hash and s_hash: the left half of a hash that belongs to the ID token's algorithm (OIDC Core §3.1.3.6).

An algorithm without a known hash is refused, never passed over (check 123). EdDSA does not name one: Ed25519 signs over
SHA-512, and that is what the OpenID working group settled on (Token Hash Algorithms 1.0).
"""

import hashlib

from grantline.crypto.encoding import b64url

_HASHES = {"ES256": hashlib.sha256, "PS256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}


def token_hash(token: str, alg: str) -> str:
    """The hash of an ASCII token or code for an ID token signed with `alg`; ValueError for an unknown one."""
    known = _HASHES.get(alg)
    if known is None:
        raise ValueError(f"no token hash for {alg}")
    digest = known(token.encode("ascii")).digest()
    return b64url(digest[: len(digest) // 2])
