"""A request that the client signed (RFC 9101), by value or at a registered address. Nothing beside it counts."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from grantline.authorization.client_keys import Unverified, accepted_algorithms, keys_of, open_signed
from grantline.authorization.parameters import MAX_NAME, MAX_VALUE, REPEATABLE, Form, text
from grantline.authorization.server import Server
from grantline.model.errors import (
    InvalidRequest,
    InvalidRequestObject,
    InvalidRequestUri,
    RequestUriNotSupported,
    TemporarilyUnavailable,
)
from grantline.parties import Client, rules_of

LONGEST = 3_600
"""Seconds from `nbf` to `exp` (FAPI 2.0 Message Signing §5.3.1)."""
_TYPES = frozenset({"", "jwt", "oauth-authz-req+jwt"})
_ENVELOPE = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_NESTED = ("request", "request_uri")


@dataclass(frozen=True, slots=True)
class Sent:
    """The parameters that count, and whether the client's signature covers them."""

    form: Form
    signed: bool


class _Frame(msgspec.Struct, frozen=True):
    """What makes a JWT a request of this client to this server. Times in unix seconds."""

    aud: str | tuple[str, ...]
    iss: str | None = None
    client_id: str | None = None
    sub: str | None = None
    exp: int | float | None = None
    nbf: int | float | None = None
    iat: int | float | None = None


def must_push(client: Client) -> bool:
    """True if this client's requests come by the back channel only."""
    return client.require_par or rules_of(client.profile).require_par


def must_sign(client: Client) -> bool:
    """True if this client's requests count only when signed."""
    return client.require_request_object or rules_of(client.profile).require_request_object


async def as_sent(server: Server, client: Client, form: Form) -> Sent:
    """The parameters inside the signed request where there is one, else those of the form (check 21).

    Raises `InvalidRequestObject`, or for a `request_uri` `RequestUriNotSupported` and `InvalidRequestUri`.
    """
    value, address = text(form, "request"), text(form, "request_uri")
    if value is not None and address is not None:
        raise InvalidRequest("Send request or request_uri, not both.")
    if address is not None:
        value = await _fetched(server, client, address)
    if value is None:
        return Sent(form, False)
    return Sent(await opened(server, client, value), True)


async def opened(server: Server, client: Client, token: str) -> Form:
    """The parameters that this client signed; raises `InvalidRequestObject`."""
    return to_form(await signed_claims(server, client, token, client.algorithms.request_object))


async def signed_claims(server: Server, client: Client, token: str, algorithm: str | None) -> dict[str, Any]:
    """What this client signed as a request to us. `algorithm`: the registered one; None: any that we take.

    Raises `InvalidRequestObject`.
    """
    try:
        keys = await keys_of(server, client)
        signed = open_signed(token, keys, accepted_algorithms(algorithm))
        if signed.typ not in _TYPES:
            raise Unverified(f"typ {signed.typ!r} is another kind of token")
        claims = read_claims(signed.payload)
        frame = msgspec.convert(claims, _Frame)
        _require(server, client, frame)
        if any(name in claims for name in _NESTED):
            raise Unverified("it refers to another request")
    except (Unverified, msgspec.ValidationError) as error:
        raise _refused(str(error)) from error
    return claims


def _require(server: Server, client: Client, frame: _Frame) -> None:
    """Whose, for whom, and when; raises `Unverified`."""
    now, skew = server.now(), server.settings.clock_skew
    audience = (frame.aud,) if isinstance(frame.aud, str) else frame.aud
    problems = (
        ({frame.iss, frame.client_id} - {None} != {client.id}, "iss and client_id are not the client"),
        # A client assertion says `sub`; so it can never be taken for a request (RFC 9101 §10.8).
        (frame.sub == client.id, "sub is the client: this is an assertion"),
        (server.issuer not in audience, "aud is not the issuer"),
        (frame.exp is not None and frame.exp <= now - skew, "expired"),
        (frame.nbf is not None and frame.nbf > now + skew, "not valid yet"),
        (frame.iat is not None and frame.iat > now + skew, "from the future"),
        (rules_of(client.profile).bounded_request_objects and not _is_bounded(frame), "exp or nbf"),
    )
    for wrong, why in problems:
        if wrong:
            raise Unverified(why)


def _is_bounded(frame: _Frame) -> bool:
    """It says when it begins and ends, at most an hour apart; so one that counts still began within the hour."""
    return frame.exp is not None and frame.nbf is not None and frame.exp - frame.nbf <= LONGEST


def read_claims(payload: bytes) -> dict[str, Any]:
    """A JSON object each of whose names stands once; raises `Unverified` for anything else (check 6)."""
    try:
        claims = json.loads(payload, object_pairs_hook=_once, parse_constant=_no_number)
        # Half of a surrogate pair can be escaped in JSON but is no text.
        json.dumps(claims, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unverified(f"not readable: {error}") from error
    if not isinstance(claims, dict):
        raise Unverified("not a JSON object")
    return claims


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def to_form(claims: dict[str, Any]) -> Form:
    """The same parameters as a form would have them; raises `InvalidRequestObject` for what no form can hold."""
    form: Form = {}
    for name, value in claims.items():
        if name in _ENVELOPE or value is None or value in ("", []):
            continue
        form[name] = _values(value) if name in REPEATABLE else _text(value)
        if len(name) > MAX_NAME or any(not _is_plain(one) for one in _each(form[name])):
            raise _refused("a member is too long or holds a NUL")
    return form


def _values(value: Any) -> tuple[str, ...]:
    """`resource` is a string or a list of them (RFC 8707 §2)."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise _refused("resource is not text")
    return tuple(values)


def _text(value: Any) -> str:
    """Text as it is; numbers, lists and objects as their JSON (RFC 9101 §4: `max_age`, `claims`, RFC 9396 §2)."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _each(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _is_plain(value: str) -> bool:
    return len(value) <= MAX_VALUE and "\0" not in value


async def _fetched(server: Server, client: Client, address: str) -> str:
    """What stands at a registered address; nothing else is ever asked for (check 22)."""
    if server.fetch is None or address not in client.request_uris or must_push(client):
        raise RequestUriNotSupported("This request_uri is not one of ours.", detail=f"not fetched: {address[:200]}")
    try:
        return (await server.fetch.request_object(address.partition("#")[0])).strip()
    except TemporarilyUnavailable as error:
        raise InvalidRequestUri("The request could not be read at its request_uri.", detail=error.detail) from error


def _refused(why: str) -> InvalidRequestObject:
    return InvalidRequestObject("The signed request is not valid here.", detail=why)
