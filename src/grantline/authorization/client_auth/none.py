"""A public client only says its name; what it may do is bound by PKCE and its key (RFC 6749 §2.1)."""

from grantline.authorization.client_auth import Carrier, Method, always, named
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.parties import AuthMethod, Client


def authenticate(_server: Server, _client: Client, _request: Request, _form: Form) -> tuple[Burn, ...]:
    """There is nothing to check."""
    return ()


METHOD = Method(
    name=AuthMethod.NONE,
    spec="RFC 6749 §2.1",
    carrier=Carrier.CONNECTION,
    claimed=named,
    authenticate=authenticate,
    served=always,
)
