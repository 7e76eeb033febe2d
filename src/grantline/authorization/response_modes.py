"""How an answer reaches the client: in an address or posted, plain or signed (OAuth Form Post 1.0, JARM §2.3)."""

from dataclasses import dataclass
from urllib.parse import quote

import orjson

from grantline.authorization.server import Server
from grantline.model.ids import ClientId

TYP = "JWT"
LIFETIME = 300
"""Seconds a signed answer counts (JARM §2.1: at most ten minutes)."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One `response_mode`."""

    posted: bool
    signed: bool


MODES = {
    "query": Mode(posted=False, signed=False),
    "form_post": Mode(posted=True, signed=False),
    "jwt": Mode(posted=False, signed=True),
    "query.jwt": Mode(posted=False, signed=True),
    "form_post.jwt": Mode(posted=True, signed=True),
}
"""All there are. A fragment is for tokens in addresses, which do not exist here."""


@dataclass(frozen=True, slots=True)
class Back:
    """Where an answer to one request goes, and how. `alg`: what the client wants it signed with; None: our choice."""

    client: ClientId
    redirect_uri: str
    state: str | None
    mode: str
    alg: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer on its way. The browser is sent to `url`; where there are `fields`, it posts them there."""

    url: str
    fields: tuple[tuple[str, str], ...] = ()


def deliver(server: Server, back: Back, answer: dict[str, str | None]) -> Delivery:
    """The answer with `state` and `iss` (RFC 9207), in the mode that was asked for."""
    mode = MODES[back.mode]
    whole = {**answer, "state": back.state, "iss": server.issuer}
    fields = tuple((name, value) for name, value in whole.items() if value is not None)
    if mode.signed:
        fields = (("response", _signed(server, back, dict(fields))),)
    if mode.posted:
        return Delivery(back.redirect_uri, fields)
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)
    return Delivery(f"{back.redirect_uri}{'&' if '?' in back.redirect_uri else '?'}{pairs}")


def _signed(server: Server, back: Back, answer: dict[str, str]) -> str:
    """The answer as a JWT for this client alone (JARM §2.1)."""
    claims = {**answer, "aud": back.client, "exp": server.now() + LIFETIME}
    key = server.keys.signing if back.alg is None else server.keys.for_alg(back.alg)
    return key.sign_jws(orjson.dumps(claims), TYP)
