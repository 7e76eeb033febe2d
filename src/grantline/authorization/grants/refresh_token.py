"""A refresh token is traded for a new access token and its own successor (RFC 6749 §6, RFC 9700 §4.14)."""

from typing import Annotated

import msgspec

from grantline.authorization.families import end_family, is_over
from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.standing import require_standing
from grantline.authorization.steps.less import Less, less_of
from grantline.authorization.steps.policy import require_mintable
from grantline.authorization.store import FamilyRow
from grantline.authorization.tokens import refresh
from grantline.authorization.tokens.id_token import Occasion
from grantline.model.errors import InvalidGrant
from grantline.model.events import EventType
from grantline.parties import Client, rules_of

_OVER = "The refresh token is no longer valid."


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends. Scopes, resources and details only narrow, and only this one access token."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=120)]
    scope: str | None = None
    resource: tuple[str, ...] = ()
    authorization_details: str | None = None


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """Check every binding, then rotate; a token from the past ends the family, unless it is an honest repeat."""
    tx, now = redeeming.tx, redeeming.now
    presented = refresh.read(parameters.refresh_token)
    family = None if presented is None else await tx.families.get(presented.family)
    if presented is None or family is None or not refresh.is_genuine(redeeming.server, family, presented):
        raise InvalidGrant(_OVER, detail="not a token of ours")
    _require_bindings(redeeming, family)
    idle = redeeming.server.settings.refresh_idle if _rotates(redeeming.client) else None
    if is_over(family, now, idle):
        raise InvalidGrant(_OVER, detail="family ended, too old or idle for too long")
    whole = await require_standing(redeeming.server, tx, family.consent)
    wish = Less(parameters.scope, parameters.resource, parameters.authorization_details)
    less = await less_of(redeeming, whole, family, wish)
    require_mintable(redeeming.server, less.stands, less.resources)
    generation = await _successor(redeeming, family, presented.generation)
    return Authorized(
        event=EventType.TOKEN_REFRESHED,
        stands=less.stands,
        scope=less.scope,
        resources=less.resources,
        family=family,
        cnf=redeeming.cnf,
        refresh=generation,
        sign_in=None if family.sign_in is None else Occasion.read(family.sign_in),
    )


def _require_bindings(redeeming: Redeeming, family: FamilyRow) -> None:
    """Client and key (check 88). Only who passes can rotate, or be taken for a replay."""
    if family.client != redeeming.client.id:
        raise InvalidGrant(_OVER, detail="another client's token")
    if family.jkt is not None and family.jkt != redeeming.jkt:
        raise InvalidGrant("The refresh token is bound to another key.", detail="jkt differs")
    if family.x5t is not None and family.x5t != redeeming.x5t:
        raise InvalidGrant("The refresh token is bound to another certificate.", detail="x5t differs")


async def _successor(redeeming: Redeeming, family: FamilyRow, generation: int) -> int:
    """The generation to hand out now: one further, or the same again for an honest repeat (checks 85, 86)."""
    tx, now = redeeming.tx, redeeming.now
    if generation == family.generation and not _rotates(redeeming.client):
        return generation
    if generation == family.generation and await tx.families.advance(family.family, generation, now):
        return generation + 1
    if _is_honest_repeat(redeeming, family, generation):
        return family.generation
    await end_family(redeeming.server, tx, family.family, family.consent, why="refresh_replayed", finding=True)
    raise InvalidGrant(_OVER, detail=f"generation {generation} where {family.generation} is the last; family ended")


def _rotates(client: Client) -> bool:
    return rules_of(client.profile).rotates_refresh


def _is_honest_repeat(redeeming: Redeeming, family: FamilyRow, generation: int) -> bool:
    """The answer may have been lost: only the one before the last, soon, and by who can prove to be the same."""
    soon = redeeming.now - family.rotated_at <= redeeming.server.settings.refresh_repeat
    provable = redeeming.client.confidential or family.jkt is not None or family.x5t is not None
    return generation == family.generation - 1 and soon and provable


GRANT = Grant(
    name="refresh_token",
    spec="RFC 6749 §6",
    client_auth=ClientAuth.AS_REGISTERED,
    parameters=Parameters,
    authorize=authorize,
)
