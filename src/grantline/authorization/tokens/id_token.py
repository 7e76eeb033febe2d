"""Tells the client who signed in and when (OIDC Core §2). Never accepted where an access token is due."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import CodeTicket
from grantline.authorization.tokens import about_person
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.crypto.signing import ALGORITHMS
from grantline.model.errors import InvalidToken
from grantline.model.ids import ClientId, SubjectId
from grantline.model.reading import decoded
from grantline.parties import Client

TYP = "JWT"
DEFAULT_ALG = "ES256"
HASHES = {"ES256": hashlib.sha256, "PS256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}
"""What each algorithm hashes with (OIDC Core §3.1.3.6). Ed25519 is made with SHA-512 (RFC 8032 §5.1)."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in as ID tokens tell of it. A family keeps one, for what refreshes give (OIDC Core §12.2).

    `sid`: the session's name towards the client. `claims`: asked for in the ID token itself. `nonce`: of the request;
    only the first token repeats it.
    """

    auth_time: int
    amr: tuple[str, ...]
    acr: str | None = None
    sid: str | None = None
    claims: tuple[str, ...] = ()
    nonce: str | None = None

    @classmethod
    def of(cls, code: CodeTicket) -> "Occasion":
        """The sign-in that led to this code."""
        return cls(
            auth_time=code.auth_time, amr=code.amr, acr=code.acr, sid=code.sid, claims=code.claims, nonce=code.nonce
        )

    def kept(self) -> bytes:
        """The form in which a family keeps it."""
        return msgspec.json.encode(msgspec.structs.replace(self, nonce=None))

    @classmethod
    def read(cls, kept: bytes) -> "Occasion":
        """What `kept` made."""
        return msgspec.json.decode(kept, type=cls)


@dataclass(frozen=True, slots=True)
class Draft:
    """An ID token that is not signed yet, because the access token it goes with is not."""

    claims: dict[str, Any]
    alg: str


async def draft(server: Server, tx: Transaction, client: Client, stands: Stands, occasion: Occasion) -> Draft:
    """What the ID token says; of the person only what this consent covers."""
    now, state = server.now(), stands.state
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "sub": state.subject,
        "aud": client.id,
        "exp": now + server.settings.id_token_lifetime,
        "iat": now,
        "auth_time": occasion.auth_time,
        "amr": occasion.amr,
        "acr": occasion.acr,
        "nonce": occasion.nonce,
        "sid": occasion.sid if hears_of_sessions(client) else None,
    }
    told = {name: value for name, value in claims.items() if value is not None}
    agreed = about_person.covered_by(stands.version.scope)
    person = await tx.people.by_id(state.person) if agreed.intersection(occasion.claims) else None
    if person is not None:
        told |= about_person.values(person, (claim for claim in occasion.claims if claim in agreed))
    return Draft(told, client.algorithms.id_token or DEFAULT_ALG)


def sign(server: Server, drafted: Draft, access_token: str) -> str:
    """The ID token that goes with this access token."""
    claims = {**drafted.claims, "at_hash": at_hash(access_token, drafted.alg)}
    return server.keys.for_alg(drafted.alg).sign_jws(orjson.dumps(claims), TYP)


def at_hash(access_token: str, alg: str) -> str:
    """The left half of the hash that belongs to the algorithm (OIDC Core §3.1.3.6; check 123)."""
    digest = HASHES[alg](access_token.encode()).digest()
    return b64url(digest[: len(digest) // 2])


def hears_of_sessions(client: Client) -> bool:
    """True if the client asked to know sessions by name, so that it can end exactly one."""
    return client.logout.backchannel_session or client.logout.frontchannel_session


class Shown(msgspec.Struct, frozen=True):
    """What an ID token says to somebody else: about whom, for which client, until when (unix seconds).

    `acr`, `auth_time`: how and when the person signed in.
    """

    iss: str
    sub: SubjectId
    aud: ClientId
    exp: int
    may_act: dict[str, object] | None = None
    acr: str | None = None
    auth_time: int | None = None


def read(server: Server, token: str) -> Shown:
    """An ID token of ours that has not expired; raises `InvalidToken`."""
    try:
        shown = decoded(verify_jws(token, server.keys.find, TYP, ALGORITHMS), Shown)
    except (InvalidJws, msgspec.MsgspecError) as error:
        raise InvalidToken("The ID token is not valid.", detail=str(error)) from error
    if shown.iss != server.issuer or shown.exp <= server.now():
        raise InvalidToken("The ID token is not valid.", detail="expired, or of another issuer")
    return shown


class Hint(msgspec.Struct, frozen=True):
    """An ID token that comes back to us: about whom, for which client, in which session if it said."""

    iss: str
    sub: SubjectId
    aud: ClientId
    sid: str | None = None


def read_hint(server: Server, hint: str) -> Hint | None:
    """An ID token of ours, also an expired one or by a key that is gone (OIDC RP-Initiated Logout §2); else None."""
    try:
        claims = decoded(verify_jws(hint, server.keys.find_ever, TYP, ALGORITHMS), Hint)
    except (InvalidJws, msgspec.MsgspecError):
        return None
    return claims if claims.iss == server.issuer else None


def subject_of_hint(server: Server, hint: str) -> SubjectId | None:
    """The subject of an ID token of ours, also an expired one (OIDC Core §3.1.2.1); None if it is not ours."""
    claims = read_hint(server, hint)
    return None if claims is None else claims.sub
