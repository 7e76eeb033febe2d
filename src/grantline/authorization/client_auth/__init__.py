"""How clients prove themselves. One method, one file, found by being there."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache

from grantline.authorization.http import Request
from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.extension import implementations
from grantline.model.errors import InvalidClient
from grantline.parties import AuthMethod, Client, is_secret_of


class Carrier(Enum):
    """Where in a request a proof stands. A request may use one place only (RFC 6749 §2.3)."""

    HEADER = "Authorization header"
    SECRET = "client_secret parameter"  # noqa: S105 a place, not a secret
    ASSERTION = "client_assertion parameter"
    CONNECTION = "connection"
    """The request only names its client; the proof, if one is due, is the certificate it came with."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to prove oneself. `claimed`: the client that a request using this carrier says it is; None: no name.

    `claimed` raises `InvalidClient` for what cannot be read. `authenticate` raises it too, or returns what this proof
    uses up. `served`: whether this server can check such proofs, as it is set up.
    """

    name: AuthMethod
    spec: str
    carrier: Carrier
    claimed: Callable[[Request, Form], str | None]
    authenticate: Callable[[Server, Client, Request, Form], tuple[Burn, ...]]
    served: Callable[[Server], bool]


@cache
def methods() -> tuple[Method, ...]:
    """Every method there is."""
    return implementations(sys.modules[__name__], "METHOD", Method)


def carriers(request: Request, form: Form) -> tuple[Carrier, ...]:
    """Where this request holds proofs; the connection counts only where there is nothing else."""
    places = (
        (Carrier.HEADER, "authorization" in request.headers),
        (Carrier.SECRET, "client_secret" in form),
        (Carrier.ASSERTION, "client_assertion" in form or "client_assertion_type" in form),
    )
    return tuple(carrier for carrier, there in places if there) or (Carrier.CONNECTION,)


def named(_request: Request, form: Form) -> str | None:
    """The `client_id` of the form."""
    return text(form, "client_id")


def always(_server: Server) -> bool:
    """For methods that need nothing set up."""
    return True


def refused(why: str) -> InvalidClient:
    """The one answer to every proof that fails; `why` is for the operator (check 69)."""
    return InvalidClient("The client did not prove who it is.", detail=why)


def require_secret(client: Client, secret: str) -> None:
    """Raise `InvalidClient` unless the client was given this secret."""
    if not is_secret_of(client, secret):
        raise refused("another secret")
