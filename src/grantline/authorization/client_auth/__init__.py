"""How clients prove themselves. One method, one file, found by being there."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from grantline.authorization.http import Request
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.extension import implementations
from grantline.parties import AuthMethod, Client


@dataclass(frozen=True, slots=True)
class Method:
    """One way to prove oneself. `claimed`: the client that the request says it is, or None if not this method.

    `authenticate` raises `InvalidClient` or returns what this proof uses up.
    """

    name: AuthMethod
    spec: str
    claimed: Callable[[Request, Form], str | None]
    authenticate: Callable[[Server, Client, Request, Form], tuple[Burn, ...]]


@cache
def methods() -> tuple[Method, ...]:
    """Every method there is."""
    return implementations(sys.modules[__name__], "METHOD", Method)
