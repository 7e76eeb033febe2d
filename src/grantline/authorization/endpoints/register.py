"""Clients register themselves, and look after their registration (RFC 7591 §3, RFC 7592 §2). Off unless set."""

from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from grantline.authorization.endpoints import paths
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import read_encoded, text
from grantline.authorization.server import Server
from grantline.authorization.software_statements import with_statement
from grantline.authorization.store import Transaction
from grantline.authorization.units import write
from grantline.model.errors import InvalidToken, TemporarilyUnavailable
from grantline.model.ids import ClientId, opaque
from grantline.model.reading import decoded
from grantline.parties import (
    Frame,
    InvalidMetadata,
    InvalidRedirectUris,
    Metadata,
    Origin,
    Registered,
    Registrar,
    RegistrationPolicy,
    information,
    read_metadata,
    registering,
    token_digest,
)

_NOT_THEIRS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


async def register(server: Server, request: Request) -> Response:
    """A new client: 201 with what it is registered as, its own token, and its secret if it has one."""
    return await _guarded(server, request, _register)


async def configure(server: Server, request: Request) -> Response:
    """What stands in the registration, another one in its place, or none."""
    acts = {"PUT": _update, "DELETE": _delete}
    return await _guarded(server, request, acts.get(request.method, _read))


async def _guarded(server: Server, request: Request, act: Any) -> Response:
    if not server.registration.dynamic:
        return json_response({"error": "not_found"}, 404)
    server.rates.take("register", request.address, server.clock.boot_ns())
    try:
        answer: Response = await act(server, request, token_digest(_bearer(request)))
    except InvalidToken as error:
        challenge = (b"www-authenticate", b'Bearer realm="registration", error="invalid_token"')
        return json_response({"error": error.code, "error_description": error.message}, 401, challenge)
    return answer


def _bearer(request: Request) -> str:
    scheme, _, token = (request.only("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not token or token.strip() != token:
        raise InvalidToken("Send the access token for registrations as Bearer.")
    return token


# One function for each act. `token`: SHA-256 of what was presented.


async def _register(server: Server, request: Request, token: bytes) -> Response:
    policy = await server.work.read(lambda tx: tx.initial_tokens.policy(token, server.now()))
    if policy is None:
        raise InvalidToken("The initial access token does not count, or not any more.")
    said = await _said(server, request, None)
    name = opaque("c", server.randomness)
    frame = await _frame(server, said, name, policy)
    by = _registrar(server)
    made = await write(server.work, lambda tx: registering.register(tx, by, token, said, frame))
    return json_response(_told(server, made), 201)


async def _read(server: Server, request: Request, token: bytes) -> Response:
    client, row = await server.work.read(lambda tx: registering.own_client(tx, _named(request), token))
    return json_response(_told(server, Registered(client, row.created_at)))


async def _update(server: Server, request: Request, token: bytes) -> Response:
    name = _named(request)
    before, row = await server.work.read(lambda tx: registering.own_client(tx, name, token))
    said = await _said(server, request, before.id)
    frame = await _frame(server, said, name, row.policy)
    by = _registrar(server)
    made = await write(server.work, lambda tx: registering.change(tx, by, token, said, frame))
    return json_response(_told(server, made))


async def _delete(server: Server, request: Request, token: bytes) -> Response:
    name, by = _named(request), _registrar(server)

    async def unit(tx: Transaction) -> None:
        await registering.remove(tx, by, name, token)

    await write(server.work, unit)
    return Response(204, b"", ((b"cache-control", b"no-store"),))


# What they share


def _named(request: Request) -> ClientId:
    return ClientId(text(read_encoded(request.query), "client_id") or "")


def _registrar(server: Server) -> Registrar:
    return Registrar(server.clock, server.randomness, server.registration.most_clients)


async def _said(server: Server, request: Request, client: str | None) -> Metadata:
    """The metadata of the body, with what a trusted statement in it says. `client`: whose registration it replaces."""
    kind = (request.only("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidMetadata("Send the metadata as application/json.")
    try:
        data = decoded(request.body)
    except msgspec.DecodeError as error:
        raise InvalidMetadata("The metadata is not JSON.") from error
    if not isinstance(data, dict):
        raise InvalidMetadata("The metadata is not a JSON object.")
    if client is not None:
        _require_own(data, client)
    return read_metadata(await with_statement(server, data))


def _require_own(data: dict[str, Any], client: str) -> None:
    """A replacement names its client and none of what only we say (RFC 7592 §2.2)."""
    if data.get("client_id") != client:
        raise InvalidMetadata("client_id: must be that of this registration.")
    for member in _NOT_THEIRS:
        if member in data:
            raise InvalidMetadata(f"{member}: must not be sent.")


async def _frame(server: Server, said: Metadata, name: str, policy: RegistrationPolicy) -> Frame:
    return Frame(id=name, origin=Origin.REGISTERED, policy=policy, sector=await _sector(server, said))


async def _sector(server: Server, said: Metadata) -> str | None:
    """The host of the list in which every redirect URI has to stand (OIDC Registration §5)."""
    if said.sector_identifier_uri is None:
        return None
    if server.fetch is None:
        raise InvalidMetadata("sector_identifier_uri: no addresses are read here.")
    try:
        listed = await server.fetch.redirect_uris(said.sector_identifier_uri)
    except TemporarilyUnavailable as error:
        raise InvalidMetadata("sector_identifier_uri: could not be read.", detail=error.detail) from error
    if not set(said.redirect_uris) <= set(listed):
        raise InvalidRedirectUris("redirect_uris: each has to stand in the list at sector_identifier_uri.")
    return urlsplit(said.sector_identifier_uri).hostname


def _told(server: Server, made: Registered) -> dict[str, Any]:
    """The client information (RFC 7591 §3.2.1, RFC 7592 §3). A secret or token is in it only when it was just made."""
    told = information(made.client) | {
        "client_id_issued_at": made.created_at,
        "registration_client_uri": f"{server.issuer}{paths.REGISTRATION}?client_id={quote(made.client.id, safe='')}",
    }
    if made.token is not None:
        told["registration_access_token"] = made.token
    if made.secret is not None:
        told |= {"client_secret": made.secret, "client_secret_expires_at": 0}
    return told
