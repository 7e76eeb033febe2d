"""JWTs that a client signed with a registered key: its assertions (RFC 7523) and its request objects (RFC 9101)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from grantline.authorization.server import Server
from grantline.crypto.dpop import ALGORITHMS
from grantline.crypto.encoding import unb64url
from grantline.crypto.proof_keys import ProofKey, read_proof_key
from grantline.crypto.public_keys import read_public_key
from grantline.parties import Client

MOST_KEYS = 8
"""Tried for one signature."""


class Unverified(Exception):
    """No registered key signed it as it has to be. The message is for operators."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature holds; what it says is not yet read. `typ`: in lower case, without `application/`."""

    payload: bytes
    typ: str


def accepted_algorithms(named: str | None) -> tuple[str, ...]:
    """The one that the registration names for this kind of JWT, else all but RS256. Never `none`, never HS*."""
    return ALGORITHMS if named is None else (named,)


async def keys_of(server: Server, client: Client) -> Sequence[Mapping[str, Any]]:
    """The registered public keys: those in the registration, else those at its `jwks_uri`. `Unverified` without."""
    if client.jwks_uri is None:
        return client.jwks
    if server.fetch is None:
        raise Unverified("jwks_uri is not fetched here")
    return await server.fetch.keys(client.jwks_uri)


def open_signed(token: str, keys: Sequence[Mapping[str, Any]], algorithms: Collection[str]) -> Signed:
    """Verify with one of `keys`; `kid` only chooses among them, other key headers are never looked at (check 78).

    Raises `Unverified` also for any other algorithm (checks 20, 77) and for any `crit` (check 79).
    """
    try:
        head, body, tail = token.split(".")
        header, payload, signature = orjson.loads(unb64url(head)), unb64url(body), unb64url(tail)
    except ValueError as error:
        raise Unverified(f"not a compact JWS: {error}") from error
    if not isinstance(header, dict) or "crit" in header:
        raise Unverified("header not accepted")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise Unverified("algorithm not accepted")
    message = f"{head}.{body}".encode()
    if not any(key.verify(message, signature) for key in _fitting(keys, algorithm, header.get("kid"))):
        raise Unverified("no registered key made this signature")
    return Signed(payload, str(header.get("typ", "")).lower().removeprefix("application/"))


def _fitting(keys: Sequence[Mapping[str, Any]], algorithm: str, kid: object) -> list[ProofKey]:
    found = [jwk for jwk in keys if jwk.get("alg", algorithm) == algorithm and jwk.get("use", "sig") == "sig"]
    if kid is not None:
        found = [jwk for jwk in found if jwk.get("kid") == kid]
    read = (_key(algorithm, orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS)) for jwk in found[:MOST_KEYS])
    return [key for key in read if key is not None]


@lru_cache(maxsize=4_096)
def _key(algorithm: str, jwk: bytes) -> ProofKey | None:
    members: dict[str, Any] = orjson.loads(jwk)
    try:
        if algorithm == "RS256":  # Only where the registration names it.
            return read_public_key({**members, "alg": algorithm})
        return read_proof_key(algorithm, members)
    except ValueError:
        return None
