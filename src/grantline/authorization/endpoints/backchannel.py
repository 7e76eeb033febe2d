"""A client asks a person whom it names, who is somewhere else (OpenID CIBA Core 1.0 §7)."""

import msgspec

from grantline.authorization.elsewhere import Way
from grantline.authorization.grants import ciba
from grantline.authorization.http import Request, Response, json_response
from grantline.authorization.parameters import read_form, read_into
from grantline.authorization.server import Server
from grantline.authorization.steps import backchannel_request as steps
from grantline.authorization.steps.asking import FROM_ELSEWHERE, examine, to_ticket
from grantline.authorization.steps.client import authenticate_client
from grantline.authorization.steps.dpop import burn_of, read_proof
from grantline.authorization.steps.matter import check_named_grant
from grantline.authorization.steps.named_person import who_is_meant
from grantline.authorization.steps.request import GRANT_PARAMETERS, Asking, Parameters
from grantline.authorization.steps.waiting import keep_waiting, new_id, new_row, only, require_grant
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import BackchannelTicket, Elsewhere
from grantline.authorization.units import burn, write

TAKEN = frozenset({"scope", "resource", "authorization_details", "acr_values", "dpop_jkt"}) | GRANT_PARAMETERS


async def backchannel(server: Server, request: Request) -> Response:
    """Keep a checked request for its person; the same answer whether there is such a person or not (check 145)."""
    form = read_form(request)
    client = await authenticate_client(server, request, form)
    require_grant(client.client, ciba.GRANT.name)
    proof = read_proof(server, request)
    sent = await steps.as_sent(server, client.client, form)
    wanted = read_into(steps.Wanted, sent.form)
    steps.check(client.client, wanted)
    jkt = None if proof is None else proof.jkt
    asking = Asking(server, client.client, read_into(Parameters, only(sent.form, TAKEN)), True, jkt, sent.signed)
    examine(asking, (steps.check_openid, *FROM_ELSEWHERE))
    await check_named_grant(asking)
    told = wanted.client_notification_token
    elsewhere = Elsewhere(
        id=new_id(server), way=Way.BACKCHANNEL, address=request.address, message=wanted.binding_message,
        told=told is not None,
    )  # fmt: skip
    ticket = to_ticket(asking, elsewhere)
    waits = new_row(server, elsewhere, ticket, steps.lifetime(server, wanted))
    collected = BackchannelTicket(id=elsewhere.id, client=client.client.client_id, jkt=ticket.jkt, token=told)

    async def unit(tx: Transaction) -> str:
        burns = (*client.burns, *burn_of(proof), *sent.burns)
        await burn(tx, burns, server.now(), server.settings.burned_capacity)
        meant = await who_is_meant(server, tx, client.client, wanted.hint)
        row = msgspec.structs.replace(waits, waits_for=meant)
        return await keep_waiting(server, tx, row, ticket, collected)

    handle = await write(server.work, unit)
    return json_response(
        {"auth_req_id": handle, "expires_in": waits.expires_at - waits.created_at, "interval": waits.interval}
    )
