"""Tells the client who signed in and when (OIDC Core §2). Never accepted where an access token is due."""

import hashlib
from typing import Any

import msgspec
import orjson

from grantline.authorization.server import Server
from grantline.authorization.tickets import CodeTicket
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.model.errors import InvalidToken
from grantline.model.ids import ClientId, SubjectId

TYP = "JWT"


def sign(server: Server, code: CodeTicket, access_token: str) -> str:
    """The ID token that goes with this access token."""
    now = server.now()
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "sub": code.subject,
        "aud": code.client,
        "exp": now + server.settings.id_token_lifetime,
        "iat": now,
        "auth_time": code.auth_time,
        "amr": code.amr,
        "at_hash": at_hash(access_token),
    }
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    return server.keys.signing.sign_jws(orjson.dumps(claims), TYP)


def at_hash(access_token: str) -> str:
    """The left half of the SHA-256 that belongs to ES256 (OIDC Core §3.1.3.6)."""
    return b64url(hashlib.sha256(access_token.encode()).digest()[:16])


class Shown(msgspec.Struct, frozen=True):
    """What an ID token says to somebody else: about whom, for which client, until when (unix seconds)."""

    iss: str
    sub: SubjectId
    aud: ClientId
    exp: int
    may_act: dict[str, object] | None = None


def read(server: Server, token: str) -> Shown:
    """An ID token of ours that has not expired; raises `InvalidToken`."""
    try:
        shown = msgspec.json.decode(verify_jws(token, server.keys.find, TYP), type=Shown)
    except (InvalidJws, msgspec.MsgspecError) as error:
        raise InvalidToken("The ID token is not valid.", detail=str(error)) from error
    if shown.iss != server.issuer or shown.exp <= server.now():
        raise InvalidToken("The ID token is not valid.", detail="expired, or of another issuer")
    return shown


class _Hint(msgspec.Struct, frozen=True):
    iss: str
    sub: SubjectId
    aud: str


def subject_of_hint(server: Server, hint: str) -> SubjectId | None:
    """The subject of an ID token of ours, also an expired one (OIDC Core §3.1.2.1); None if it is not ours."""
    try:
        claims = msgspec.json.decode(verify_jws(hint, server.keys.find, TYP), type=_Hint)
    except (InvalidJws, msgspec.MsgspecError):
        return None
    return claims.sub if claims.iss == server.issuer else None
