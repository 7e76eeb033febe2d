"""The request comes by the back channel before the browser does (RFC 9126)."""

from grantline.authorization import tickets
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import read_form, read_into, text
from grantline.authorization.server import Server
from grantline.authorization.steps.asking import CHECKS, DESTINATION, examine, to_ticket
from grantline.authorization.steps.client import authenticate_client
from grantline.authorization.steps.dpop import burn_of, read_proof
from grantline.authorization.steps.matter import check_named_grant
from grantline.authorization.steps.request import Asking, Parameters
from grantline.authorization.steps.request_object import as_sent
from grantline.authorization.store import Transaction
from grantline.authorization.units import burn, write
from grantline.model.errors import InvalidRequest

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"


async def pushed(server: Server, request: Request) -> Response:
    """Keep a checked request; answer with its name and how long it waits."""
    form = read_form(request)
    client = await authenticate_client(server, request, form)
    if "request_uri" in form:
        raise InvalidRequest("request_uri cannot be pushed.")
    if text(form, "client_id") not in {None, client.client.id}:
        raise InvalidRequest("client_id is not the client that authenticated.")
    proof = read_proof(server, request)
    jkt = None if proof is None else proof.jkt
    sent = await as_sent(server, client.client, form)
    asking = Asking(server, client.client, read_into(Parameters, sent.form), True, jkt, sent.signed)
    examine(asking, (*DESTINATION, *CHECKS))
    await check_named_grant(asking)
    ticket = to_ticket(asking)
    handle = tickets.new_handle(server.randomness)
    lifetime = server.settings.request_lifetime

    async def unit(tx: Transaction) -> None:
        now = server.now()
        await burn(tx, (*client.burns, *burn_of(proof)), now, server.settings.burned_capacity)
        await tickets.keep(tx.tickets, handle, ticket, now + lifetime)

    await write(server.work, unit)
    return json_response({"request_uri": REQUEST_URI + handle, "expires_in": lifetime}, 201)
