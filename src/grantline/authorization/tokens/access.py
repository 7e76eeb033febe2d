"""Access tokens (RFC 9068): short, bound to a key, standing on one consent at one epoch and one place in the feed."""

from dataclasses import dataclass

import msgspec

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, verify_jws
from grantline.model.consent import Item
from grantline.model.errors import InvalidTarget, InvalidToken
from grantline.model.feed import Position
from grantline.model.ids import ConsentId, FamilyId, TokenId
from grantline.model.reading import decoder
from grantline.model.token import AccessClaims, Confirmation

TYP = "at+jwt"
MAX_BYTES = 1_200
_SIGNED_PARTS = 200
"""Header and signature of our compact JWS, encoded."""
_OTHER_CLAIMS = 460
"""Names of all claims, and the longest values of those that no request decides."""

_decode = decoder(AccessClaims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one access token is to be. `position` was read before the state that `stands` holds.

    `not_after`: unix seconds beyond which it must not last. `act`, `may_act`, `acr`, `auth_time`: as in the claims.
    """

    stands: Stands
    position: Position
    scope: str
    resources: tuple[str, ...]
    family: FamilyId | None
    cnf: Confirmation | None
    not_after: int | None = None
    act: dict[str, object] | None = None
    may_act: dict[str, object] | None = None
    acr: str | None = None
    auth_time: int | None = None


def items_for(stands: Stands, resources: tuple[str, ...]) -> tuple[Item, ...]:
    """The agreed items that these audiences serve: the enriched details of a token (RFC 9396 §7)."""
    return tuple(item for item in stands.version.granted if set(item.locations) & set(resources))


def draft(server: Server, wanted: Wanted) -> AccessClaims:
    """The claims; `exp` is never beyond the consent (I3)."""
    now = server.now()
    state, version = wanted.stands.state, wanted.stands.version
    ends = (now + server.settings.access_lifetime, version.expires_at, wanted.not_after)
    return AccessClaims(
        iss=server.issuer,
        aud=wanted.resources,
        sub=state.subject,
        client_id=state.client,
        exp=min(end for end in ends if end is not None),
        iat=now,
        jti=TokenId(b64url(server.randomness(16))),
        scope=wanted.scope,
        grant_id=state.consent_id,
        gver=state.version,
        gep=state.epoch,
        seq=wanted.position,
        pur=tuple(sorted({item.purpose for item in items_for(wanted.stands, wanted.resources)})),
        fam=wanted.family,
        cnf=wanted.cnf,
        act=wanted.act,
        lin=_lineage(wanted.stands),
        may_act=wanted.may_act,
        acr=wanted.acr,
        auth_time=wanted.auth_time,
    )


def _lineage(stands: Stands) -> tuple[tuple[ConsentId, int], ...]:
    """Each ancestor at the epoch at which it passed this on, the own consent last; empty for what nobody passed on."""
    own = (stands.state.consent_id, stands.state.epoch)
    links = tuple((link.grant, link.epoch) for link in stands.version.ancestors)
    return (*links, own) if links else ()


def require_small(claims: AccessClaims) -> None:
    """Raise `InvalidTarget` if the token would be too large: chains make it longer than `require_fits` foresees."""
    if len(msgspec.json.encode(claims)) * 4 // 3 + _SIGNED_PARTS > MAX_BYTES:
        raise InvalidTarget("One token cannot carry all of this; ask for fewer scopes or one resource at a time.")


def require_fits(server: Server, client: str, scope: str, resources: tuple[str, ...], purposes: set[str]) -> None:
    """Raise `InvalidTarget` if a token for all of this could be too large. Asked before anything is promised."""
    longest = msgspec.json.encode([server.issuer, resources, client, scope, sorted(purposes)])
    if (len(longest) + _OTHER_CLAIMS) * 4 // 3 + _SIGNED_PARTS > MAX_BYTES:
        raise InvalidTarget("One token cannot carry all of this; ask for fewer scopes or one resource at a time.")


def sign(server: Server, claims: AccessClaims) -> str:
    """The compact JWS."""
    return server.keys.signing.sign_jws(msgspec.json.encode(claims), TYP)


def read(server: Server, token: str) -> AccessClaims:
    """The claims of a signed token of ours that has not expired, or `InvalidToken`.

    Whether it stands is another question.
    """
    claims = server.verified.find(token, server.keys.published)
    if claims is None:
        try:
            claims = _decode(verify_jws(token, server.keys.find, TYP))
        except (InvalidJws, msgspec.MsgspecError) as error:
            raise InvalidToken("The access token is not valid.", detail=str(error)) from error
        server.verified.keep(token, claims)
    return require_current(server, claims)


def require_current(server: Server, claims: AccessClaims) -> AccessClaims:
    """The same, if they are ours and have not expired; raises `InvalidToken`."""
    if claims.iss != server.issuer or claims.exp <= server.now():
        raise InvalidToken("The access token is not valid.", detail="expired, or of another issuer")
    return claims
