"""An access token for less than its refresh token is good for: fewer scopes, resources, details.

RFC 6749 §6, RFC 9396 §6.

Only the access token is narrower; the next refresh may ask for everything again (RFC 9700 §2.2). Everything is what the
authorization request named: of a consent that was there before and holds more, its tokens hold no more than that.
"""

from dataclasses import dataclass, replace
from typing import Any

from grantline.authorization.grants import Redeeming
from grantline.authorization.parameters import read_json
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.steps.audience import narrow_audience
from grantline.authorization.steps.part import standing_on
from grantline.authorization.steps.request import OFFLINE, OPENID
from grantline.authorization.store import FamilyRow
from grantline.authorization.tokens import about_person
from grantline.consent import Held, Wish, attenuate
from grantline.model.errors import InvalidScope, InvalidTarget

CHANNEL = "refresh_token"


@dataclass(frozen=True, slots=True)
class Less:
    """What the client names, as it was sent. Nothing named means everything."""

    scope: str | None
    resources: tuple[str, ...]
    details: str | None


@dataclass(frozen=True, slots=True)
class Lessened:
    """What the access token stands on, is called and is for."""

    stands: Stands
    scope: str
    resources: tuple[str, ...]


async def less_of(redeeming: Redeeming, whole: Stands, family: FamilyRow, wish: Less) -> Lessened:
    """The part that is wanted; raises `InvalidScope`, `InvalidTarget` or `InvalidAuthorizationDetails` beyond it."""
    named = _named(family, wish.scope)
    audiences = narrow_audience(family.resources, wish.resources)
    if wish.details is None and set(named) | {OFFLINE} == set(family.scope.split()) | {OFFLINE}:
        if not names_fewer(redeeming.server, family.scope, whole.version.scope):
            return Lessened(whole, family.scope, audiences)
        wish = replace(wish, scope=family.scope)
    ours = tuple(scope for scope in named if scope in {*about_person.SCOPES, OFFLINE}) if wish.scope else ()
    issuer = {redeeming.server.issuer} if OPENID in ours else set()
    stands, held = await _part(redeeming, whole, family, wish, ours)
    resources = tuple(one for one in audiences if one in {*issuer, *held.resources})
    if not resources:
        raise InvalidTarget("What is asked for has no resource among those named.")
    names = {*ours, *held.scope.split()}
    return Lessened(stands, " ".join(scope for scope in family.scope.split() if scope in names), resources)


def names_fewer(server: Server, scope: str, held: str) -> bool:
    """True if `scope` names some of the access to APIs that `held` names, and not all of it."""
    known = server.catalog().file.scopes
    wanted, there = ({one for one in names.split() if one in known} for names in (scope, held))
    return bool(wanted) and not there <= wanted


def _named(family: FamilyRow, scope: str | None) -> tuple[str, ...]:
    """The scopes asked for, all of them given before. `offline_access` is what a refresh token is."""
    if scope is None:
        return tuple(family.scope.split())
    named = tuple(dict.fromkeys(scope.split()))
    if not named or not set(named) <= {OFFLINE, *family.scope.split()}:
        raise InvalidScope("A scope asked for was not given; a refresh can only narrow.")
    return named


async def _part(
    redeeming: Redeeming, whole: Stands, family: FamilyRow, wish: Less, ours: tuple[str, ...]
) -> tuple[Stands, Held]:
    """Of what APIs hold. Who asks for scopes about the person alone gets no API at all, and no consent for it."""
    server = redeeming.server
    scopes = tuple(scope for scope in (wish.scope or "").split() if scope not in {*ours, OFFLINE})
    if not scopes and wish.details is None:
        return whole, Held(items=(), scope="", resources=())
    catalog = server.catalog()
    raw: Any = None if wish.details is None else read_json(wish.details, Any, "authorization_details")
    held = Held(
        items=whole.version.granted,
        scope=" ".join(scope for scope in family.scope.split() if scope in catalog.file.scopes),
        resources=tuple(one for one in family.resources if one != server.issuer),
    )
    wanted = Wish(
        scopes=scopes,
        details=() if raw is None else catalog.asked_by_details(raw),
        resources=tuple(one for one in wish.resources if one != server.issuer),
    )
    less = attenuate(catalog, held, wanted)
    # What the client may learn of the person goes along: it is asked of the consent that the token stands on.
    known = [scope for scope in whole.version.scope.split() if scope in about_person.SCOPES and scope in ours]
    told = replace(less, scope=" ".join([*known, less.scope]))
    return await standing_on(redeeming, whole, told, channel=CHANNEL), less
