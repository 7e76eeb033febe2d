"""A device asks whether somebody answered on another one, until it gets its tokens (RFC 8628 §3.4)."""

import msgspec

from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.steps.collecting import Words, collect
from grantline.authorization.tickets import DeviceTicket, Handle

WORDS = Words(
    kind=DeviceTicket,
    spent="The device code is no longer valid.",
    foreign="The device code is not for this client or key.",
    replayed="device_code_replayed",
)


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends."""

    device_code: Handle
    resource: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """The tokens, or why there are none yet."""
    return await collect(redeeming, WORDS, parameters.device_code, parameters.resource)


GRANT = Grant(
    name="urn:ietf:params:oauth:grant-type:device_code",
    spec="RFC 8628 §3.4",
    client_auth=ClientAuth.AS_REGISTERED,
    parameters=Parameters,
    authorize=authorize,
)
