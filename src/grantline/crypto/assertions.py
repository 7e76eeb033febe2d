"""Signed statements of others: read first to learn whose they are, believed only by the keys of that one (RFC 7515).

Algorithm and key come from what was agreed with whoever signs. The header of the statement only chooses among them:
its own `jwk`, `jku` and `x5u` are never looked at, and each key is used with its one algorithm (RFC 8725 §3.1).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from grantline.crypto.encoding import unb64url
from grantline.crypto.proof_keys import ProofKey, read_proof_key

MAX_BYTES = 8_192
MAX_KEYS = 8


class InvalidAssertion(Exception):
    """The statement cannot be read or is not proven. For operators; callers are told less."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A statement as read: `payload` says whose it claims to be, which is all that it may be used for."""

    payload: bytes
    _header: dict[str, Any]
    _message: bytes
    _signature: bytes

    def proven_by(
        self, jwks: Sequence[dict[str, Any]], *, algorithms: Collection[str], types: Collection[str]
    ) -> bytes:
        """The payload, if one of these keys signed it with one of these algorithms; raises `InvalidAssertion`.

        `types`: accepted `typ` in lower case, empty for none. A key that names its `alg` is used with that alone.
        """
        algorithm = self._header.get("alg")
        if algorithm not in algorithms or "crit" in self._header:
            raise InvalidAssertion("algorithm or header not accepted")
        if str(self._header.get("typ", "")).lower().removeprefix("application/") not in types:
            raise InvalidAssertion("typ is of another kind of token")
        for key in _keys(jwks, str(algorithm), self._header.get("kid")):
            if key.verify(self._message, self._signature):
                return self.payload
        raise InvalidAssertion("no known key made this signature")


def open_assertion(text: str) -> Unproven:
    """The parts of a compact JWS; raises `InvalidAssertion`."""
    if len(text) > MAX_BYTES:
        raise InvalidAssertion("too long")
    try:
        head, body, tail = text.split(".")
        header, payload, signature = orjson.loads(unb64url(head)), unb64url(body), unb64url(tail)
    except ValueError as error:
        raise InvalidAssertion(f"unreadable: {error}") from error
    if not isinstance(header, dict):
        raise InvalidAssertion("unreadable: no header")
    return Unproven(payload, header, f"{head}.{body}".encode(), signature)


def _keys(jwks: Sequence[dict[str, Any]], algorithm: str, kid: object) -> list[ProofKey]:
    fitting = [jwk for jwk in jwks if jwk.get("alg", algorithm) == algorithm]
    if kid is not None:
        fitting = [jwk for jwk in fitting if jwk.get("kid") == kid]
    keys = [_key(algorithm, orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS)) for jwk in fitting[:MAX_KEYS]]
    return [key for key in keys if key is not None]


@lru_cache(maxsize=1_024)
def _key(algorithm: str, jwk: bytes) -> ProofKey | None:
    try:
        return read_proof_key(algorithm, orjson.loads(jwk))
    except ValueError:
        return None
