"""The client shows its secret as a parameter of the form, never of the address (RFC 6749 §2.3.1)."""

from grantline.authorization.client_auth import Carrier, Method, always, named, require_secret
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.parties import AuthMethod, Client


def authenticate(_server: Server, client: Client, _request: Request, form: Form) -> tuple[Burn, ...]:
    """Compare the parameter; it may be used again."""
    require_secret(client, text(form, "client_secret") or "")
    return ()


METHOD = Method(
    name=AuthMethod.CLIENT_SECRET_POST,
    spec="RFC 6749 §2.3.1",
    carrier=Carrier.SECRET,
    claimed=named,
    authenticate=authenticate,
    served=always,
)
