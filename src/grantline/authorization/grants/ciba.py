"""A client asks whether the person it named has answered, until it gets its tokens (CIBA Core 1.0 §10.1)."""

import msgspec

from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.steps.collecting import Words, collect
from grantline.authorization.tickets import BackchannelTicket, Handle

WORDS = Words(
    kind=BackchannelTicket,
    spent="The auth_req_id is no longer valid.",
    foreign="The auth_req_id is not for this client or key.",
    replayed="auth_req_id_replayed",
)


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends."""

    auth_req_id: Handle
    resource: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """The tokens, or why there are none yet."""
    return await collect(redeeming, WORDS, parameters.auth_req_id, parameters.resource)


GRANT = Grant(
    name="urn:openid:params:grant-type:ciba",
    spec="CIBA Core 1.0 §10.1",
    client_auth=ClientAuth.REQUIRED,
    parameters=Parameters,
    authorize=authorize,
)
