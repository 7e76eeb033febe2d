"""A client acts for itself, on a consent that an operator gave (RFC 6749 §4.4). No person is in it."""

import msgspec

from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.service_grants import find_service_grant
from grantline.authorization.steps.part import part_of
from grantline.authorization.steps.policy import require_mintable
from grantline.model.errors import InvalidGrant
from grantline.model.events import EventType


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends. Both only narrow what the operator gave."""

    scope: str | None = None
    resource: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """A token on the client's own consent, or on the part of it that is asked for. No refresh token (§4.4.3)."""
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


GRANT = Grant(
    name="client_credentials",
    spec="RFC 6749 §4.4",
    client_auth=ClientAuth.REQUIRED,
    parameters=Parameters,
    authorize=authorize,
)
