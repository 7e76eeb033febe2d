"""Which client is this, and did it prove it: with its registered method, and with only that one (RFC 6749 §2.3)."""

from dataclasses import dataclass

import msgspec

from grantline.authorization.client_auth import Method, carriers, methods, refused
from grantline.authorization.http import Request
from grantline.authorization.parameters import Form
from grantline.authorization.server import Server
from grantline.authorization.units import Burn
from grantline.model.errors import InvalidClient, InvalidRequest
from grantline.model.ids import ClientId
from grantline.parties import Client, Standing

LONGEST_ID = 200
"""Letters of a client's id. Longer names are not even counted: what counts them is kept in memory."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that proved itself as it is registered to. `burns`: what this proof uses up."""

    client: Client
    burns: tuple[Burn, ...]


async def authenticate_client(server: Server, request: Request, form: Form) -> Authenticated:
    """The client of this request; raises `InvalidClient`, or `InvalidRequest` for two proofs at once (check 70)."""
    found = carriers(request, form)
    if len(found) > 1:
        raise InvalidRequest("Use one way to authenticate the client, not two.")
    possible = [method for method in methods() if method.carrier in found]
    name = possible[0].claimed(request, form)
    if name is None or len(name) > LONGEST_ID:
        raise refused("no client is named, or by a name that nobody has")
    server.rates.take(name, request.address, server.clock.boot_ns())
    client = await find_client(server, name)
    method = next((one for one in possible if client is not None and one.name is client.auth), None)
    if client is None or method is None:
        raise refused("unknown, or another method is registered")
    if client.status is not Standing.ACTIVE:
        raise InvalidClient("This client is stopped for now.", detail="disabled by the operator")
    return Authenticated(client, await _prove(server, method, client, request, form))


async def _prove(server: Server, method: Method, client: Client, request: Request, form: Form) -> tuple[Burn, ...]:
    """What this proof uses up. Keys at the client's own address are read anew when none of the kept ones fits."""
    if client.jwks_uri is None or server.fetch is None:
        return method.authenticate(server, client, request, form)
    kept = await server.fetch.keys(client.jwks_uri)
    try:
        return method.authenticate(server, msgspec.structs.replace(client, jwks=kept), request, form)
    except InvalidClient:
        newer = await server.fetch.newer_keys(client.jwks_uri)
        if newer == kept:
            raise
        return method.authenticate(server, msgspec.structs.replace(client, jwks=newer), request, form)


async def find_client(server: Server, name: str) -> Client | None:
    """The registration of this id."""
    if len(name) > LONGEST_ID:
        return None
    if name.startswith("https://"):
        return None if server.documents is None else await server.documents.find(name)
    return await server.work.read(lambda tx: tx.clients.get(ClientId(name)))
