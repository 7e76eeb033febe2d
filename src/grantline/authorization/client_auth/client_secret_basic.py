"""The client shows its secret in the Authorization header (RFC 6749 §2.3.1, RFC 7617)."""

from base64 import b64decode
from urllib.parse import unquote_to_bytes

from grantline.authorization.client_auth import Carrier, Method, always, refused, require_secret
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.parties import AuthMethod, Client

_LONGEST = 2_048


def claimed(request: Request, form: Form) -> str | None:
    """The user name of the header; a `client_id` beside it has to be the same."""
    name, _ = _credentials(request)
    if text(form, "client_id") not in {None, name}:
        raise refused("client_id is not the client of the header")
    return name


def authenticate(_server: Server, client: Client, request: Request, _form: Form) -> tuple[Burn, ...]:
    """Compare the password of the header; it may be used again."""
    require_secret(client, _credentials(request)[1])
    return ()


def _credentials(request: Request) -> tuple[str, str]:
    """Client and secret: each was form-encoded before they were joined, so a colon parts them for certain."""
    value = request.only("authorization")
    if value is None or len(value) > _LONGEST:
        raise refused("several Authorization headers, or a very long one")
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        raise refused("another scheme than Basic")
    try:
        name, colon, secret = b64decode(encoded, validate=True).decode().partition(":")
        credentials = _form_decoded(name), _form_decoded(secret)
    except ValueError as error:
        raise refused("credentials that cannot be read") from error
    if not colon or not all(credentials):
        raise refused("a part of the credentials is missing")
    return credentials


def _form_decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode()


METHOD = Method(
    name=AuthMethod.CLIENT_SECRET_BASIC,
    spec="RFC 6749 §2.3.1",
    carrier=Carrier.HEADER,
    claimed=claimed,
    authenticate=authenticate,
    served=always,
)
