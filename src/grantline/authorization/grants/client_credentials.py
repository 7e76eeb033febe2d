"""A client acts for itself, on a consent that an operator gave (RFC 6749 §4.4). No person is in it."""

import msgspec

from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.own_grants import own_access
from grantline.authorization.service_grants import find_service_grant
from grantline.authorization.steps.audience import narrow_audience
from grantline.authorization.steps.part import part_of
from grantline.authorization.steps.policy import require_mintable
from grantline.authorization.steps.request import OWN_GRANTS
from grantline.model.errors import InvalidGrant
from grantline.model.events import EventType


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends. Both only narrow what the operator gave."""

    scope: str | None = None
    resource: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """A token on the client's own consent, or on the part of it that is asked for. No refresh token (§4.4.3).

    Scopes of this server itself come alone: they reach no API, and stand on another consent.
    """
    wanted = tuple(dict.fromkeys((parameters.scope or "").split()))
    if wanted and set(wanted) <= set(OWN_GRANTS):
        return await _on_this_server(redeeming, wanted, parameters.resource)
    stands = await find_service_grant(redeeming.server, redeeming.tx, redeeming.client.client_id)
    if stands is None:
        raise InvalidGrant("No access was given to this client itself; an operator gives it as a service grant.")
    part, resources = await part_of(redeeming, stands, parameters.scope, parameters.resource, channel=GRANT.name)
    require_mintable(redeeming.server, part, resources)
    return Authorized(
        event=EventType.TOKEN_ISSUED,
        stands=part,
        scope=part.version.scope,
        resources=resources,
        cnf=redeeming.cnf,
    )


async def _on_this_server(redeeming: Redeeming, scopes: tuple[str, ...], resource: tuple[str, ...]) -> Authorized:
    resources = narrow_audience((redeeming.server.issuer,), resource)
    return Authorized(
        event=EventType.TOKEN_ISSUED,
        stands=await own_access(redeeming, scopes),
        scope=" ".join(scopes),
        resources=resources,
        cnf=redeeming.cnf,
    )


GRANT = Grant(
    name="client_credentials",
    spec="RFC 6749 §4.4",
    client_auth=ClientAuth.REQUIRED,
    parameters=Parameters,
    authorize=authorize,
)
