"""The client signs a short statement with its registered key (RFC 7523 §3, OIDC Core §9, FAPI 2.0 §5.3.2.1)."""

import hashlib
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import orjson

from grantline.authorization.client_auth import Carrier, Method, always
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import ASSERTION, Burn
from grantline.crypto.dpop import ALGORITHMS
from grantline.crypto.encoding import unb64url
from grantline.crypto.proof_keys import ProofKey, read_proof_key
from grantline.model.errors import InvalidClient
from grantline.parties import AuthMethod, Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES = frozenset({"", "jwt", "client-authentication+jwt"})
_MAX_ASSERTION = 8_192


class _Claims(msgspec.Struct, frozen=True):
    """What an assertion has to say. `aud` must be one string, never a list (FAPI 2.0 §5.3.2.1 item 6)."""

    iss: str
    sub: str
    aud: str
    exp: int | float
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    nbf: int | float | None = None
    iat: int | float | None = None


_claims = msgspec.json.Decoder(_Claims).decode


def claimed(_request: Request, form: Form) -> str:
    """The client that the assertion names; nothing is proven yet."""
    try:
        name = _claims(unb64url((text(form, "client_assertion") or "").split(".")[1])).sub
    except (ValueError, IndexError, msgspec.MsgspecError) as error:
        raise _refused(f"assertion unreadable: {error}") from error
    stated = text(form, "client_id")
    if stated is not None and stated != name:
        raise _refused("client_id is not the assertion's sub")
    return name


def authenticate(server: Server, client: Client, _request: Request, form: Form) -> tuple[Burn, ...]:
    """Check the assertion (checks 73 to 79); its `jti` is used up with this request."""
    assertion = text(form, "client_assertion") or ""
    if text(form, "client_assertion_type") != TYPE or len(assertion) > _MAX_ASSERTION:
        raise _refused("assertion type or length")
    claims = _verified(assertion, client)
    now, skew = server.now(), server.settings.clock_skew
    problems = (
        (claims.iss != client.id or claims.sub != client.id, "iss and sub are not the client"),
        (claims.aud != server.issuer, "aud is not the issuer"),
        (claims.exp <= now - skew, "expired"),
        (claims.exp > now + server.settings.assertion_lifetime + skew, "valid for too long"),
        (claims.nbf is not None and claims.nbf > now + skew, "not valid yet"),
        (claims.iat is not None and claims.iat > now + skew, "from the future"),
    )
    for wrong, why in problems:
        if wrong:
            raise _refused(why)
    digest = hashlib.sha256(f"{client.id}\0{claims.jti}".encode()).digest()
    return (Burn(ASSERTION, digest, int(claims.exp) + skew + 1),)


def _verified(assertion: str, client: Client) -> _Claims:
    try:
        head, body, tail = assertion.split(".")
        header, claims, signature = orjson.loads(unb64url(head)), _claims(unb64url(body)), unb64url(tail)
    except (ValueError, msgspec.MsgspecError) as error:
        raise _refused(f"assertion unreadable: {error}") from error
    if not isinstance(header, dict) or "crit" in header or header.get("alg") not in ALGORITHMS:
        raise _refused("algorithm or header not accepted")
    if str(header.get("typ", "")).lower() not in _TYPES:
        raise _refused("typ is of another kind of token")
    message = f"{head}.{body}".encode()
    for key in _keys(client, header["alg"], header.get("kid")):
        if key.verify(message, signature):
            return claims
    raise _refused("no registered key made this signature")


def _keys(client: Client, algorithm: str, kid: object) -> list[ProofKey]:
    """Registered keys for this algorithm; `kid` only chooses among them, other key headers are never looked at."""
    fitting = [jwk for jwk in client.jwks if jwk.get("alg", algorithm) == algorithm]
    if kid is not None:
        fitting = [jwk for jwk in fitting if jwk.get("kid") == kid]
    keys = [_key(algorithm, orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS)) for jwk in fitting[:8]]
    return [key for key in keys if key is not None]


@lru_cache(maxsize=4_096)
def _key(algorithm: str, jwk: bytes) -> ProofKey | None:
    members: dict[str, Any] = orjson.loads(jwk)
    try:
        return read_proof_key(algorithm, members)
    except ValueError:
        return None


def _refused(why: str) -> InvalidClient:
    return InvalidClient("The client did not prove who it is.", detail=why)


METHOD = Method(
    name=AuthMethod.PRIVATE_KEY_JWT,
    spec="RFC 7523 §3",
    carrier=Carrier.ASSERTION,
    claimed=claimed,
    authenticate=authenticate,
    served=always,
)
