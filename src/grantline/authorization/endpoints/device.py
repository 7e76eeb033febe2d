"""A device without a browser asks: it shows a code, which somebody types on another one (RFC 8628 §3.1, §3.2)."""

from typing import Any
from urllib.parse import urlencode, urljoin

import msgspec

from grantline.authorization import user_codes
from grantline.authorization.elsewhere import ElsewhereRow, Way
from grantline.authorization.grants import device_code
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import read_form, read_into
from grantline.authorization.server import Server
from grantline.authorization.steps.asking import FROM_ELSEWHERE, examine, to_ticket
from grantline.authorization.steps.client import authenticate_client
from grantline.authorization.steps.dpop import burn_of, read_proof
from grantline.authorization.steps.matter import check_named_grant
from grantline.authorization.steps.request import GRANT_PARAMETERS, Asking, Parameters
from grantline.authorization.steps.request_object import as_sent
from grantline.authorization.steps.waiting import keep_waiting, new_id, new_row, only, require_grant
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import DeviceTicket, Elsewhere
from grantline.authorization.units import burn, write
from grantline.model.errors import TemporarilyUnavailable

TAKEN = (
    frozenset({"scope", "resource", "authorization_details", "acr_values", "ui_locales", "dpop_jkt"}) | GRANT_PARAMETERS
)
_TRIES = 5


async def device(server: Server, request: Request) -> Response:
    """Keep a checked request; answer with the device's code and the person's (check 139)."""
    form = read_form(request)
    client = await authenticate_client(server, request, form)
    require_grant(client.client, device_code.GRANT.name)
    proof = read_proof(server, request)
    sent = await as_sent(server, client.client, form)
    jkt = None if proof is None else proof.jkt
    asking = Asking(server, client.client, read_into(Parameters, only(sent.form, TAKEN)), True, jkt, sent.signed)
    examine(asking, FROM_ELSEWHERE)
    await check_named_grant(asking)
    elsewhere = Elsewhere(id=new_id(server), way=Way.DEVICE, address=request.address)
    ticket = to_ticket(asking, elsewhere)
    lifetime = server.settings.device_lifetime
    waits = new_row(server, elsewhere, ticket, lifetime)

    async def unit(tx: Transaction) -> dict[str, Any]:
        await burn(tx, (*client.burns, *burn_of(proof)), server.now(), server.settings.burned_capacity)
        row = msgspec.structs.replace(waits, user_code=await _free_code(server, tx))
        collected = DeviceTicket(id=row.id, client=client.client.client_id, jkt=ticket.jkt)
        return _told(server, row, await keep_waiting(server, tx, row, ticket, collected))

    return json_response(await write(server.work, unit))


async def _free_code(server: Server, tx: Transaction) -> str:
    """A code that no other request has, open or not."""
    for _ in range(_TRIES):
        code = user_codes.new(server.randomness)
        if await tx.elsewhere.by_user_code(code) is None:
            return code
    raise TemporarilyUnavailable("Too many codes are out; try again shortly.", detail="no free user code")


def _told(server: Server, row: ElsewhereRow, device: str) -> dict[str, Any]:
    page = urljoin(server.issuer, server.pages.device())
    code = user_codes.shown(row.user_code or "")
    return {
        "device_code": device,
        "user_code": code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': code})}",
        "expires_in": row.expires_at - row.created_at,
        "interval": row.interval,
    }
