"""A public client only says its name; what it may do is bound by PKCE and its key (RFC 6749 §2.1)."""

from grantline.authorization.client_auth import Method
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.parties import AuthMethod, Client


def claimed(_request: Request, form: Form) -> str | None:
    """The `client_id`, if nothing else is presented."""
    return None if "client_assertion" in form or "client_assertion_type" in form else text(form, "client_id")


def authenticate(_server: Server, _client: Client, _request: Request, _form: Form) -> tuple[Burn, ...]:
    """There is nothing to check."""
    return ()


METHOD = Method(name=AuthMethod.NONE, spec="RFC 6749 §2.1", claimed=claimed, authenticate=authenticate)
