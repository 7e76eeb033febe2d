"""The browser arrives (RFC 6749 §3.1): find its request, then on to sign in, to decide, or straight back."""

import secrets

import structlog

from grantline.authorization import tickets
from grantline.authorization.endpoints.pushed import REQUEST_URI
from grantline.authorization.http import Request, Response, see_other
from grantline.authorization.parameters import Form, form_body, read_doubtful, read_into, read_well_formed, text
from grantline.authorization.response_modes import Back, Delivery
from grantline.authorization.server import Server
from grantline.authorization.steps import finish
from grantline.authorization.steps.asking import CHECKS, DESTINATION, InvalidRedirect, back_of, examine, to_ticket
from grantline.authorization.steps.client import find_client
from grantline.authorization.steps.matter import check_named_grant
from grantline.authorization.steps.presence import Decide, Deliver, SignIn, next_for
from grantline.authorization.steps.request import Asking, Parameters
from grantline.authorization.steps.request_object import Sent, as_sent
from grantline.authorization.tickets import RequestTicket
from grantline.model.errors import AuditUnavailable, GrantlineError, InvalidClient, InvalidRequest, NotFound, OAuthError
from grantline.parties import Client, Standing

_log = structlog.get_logger("grantline.authorization")


async def authorize(server: Server, request: Request) -> Response:
    """Answer with a redirect to a page of ours or to the verified address of the client, or with an error page."""
    try:
        form, doubt = _read(request)
        client = await _known_client(server, form)
        handle, ticket = await _pushed_request(server, client, form, doubt), None
        if handle is None:
            ticket = await _direct_request(server, client, await as_sent(server, client, form), doubt)
            handle = tickets.new_handle(server.randomness)
    except _GoBack as back:
        return _sent(server, back.answer)
    except GrantlineError as error:
        return _error_page(server, error)
    return await _onward(server, request, handle, ticket)


class _GoBack(Exception):
    """The request fails, and the address to say so is verified."""

    def __init__(self, answer: Delivery) -> None:
        super().__init__(answer.url)
        self.answer = answer


def _read(request: Request) -> tuple[Form, InvalidRequest | None]:
    """What can be read without doubt. What cannot is told to the client, once the address to do so is proven."""
    return read_doubtful(form_body(request) if request.method == "POST" else request.query)


async def _known_client(server: Server, form: Form) -> Client:
    name = text(form, "client_id")
    client = None if name is None else await find_client(server, name)
    if client is None or client.status is not Standing.ACTIVE:
        raise InvalidClient("This client is not known here.")
    return client


async def _pushed_request(server: Server, client: Client, form: Form, doubt: InvalidRequest | None) -> str | None:
    """The handle of a pushed request of this client; parameters beside it are never used (RFC 9126 §4)."""
    name = text(form, "request_uri")
    if name is None or not name.startswith(REQUEST_URI):
        return None
    handle = name.removeprefix(REQUEST_URI)
    found = await server.work.read(lambda tx: tickets.find(tx.tickets, tickets.RequestTicket, handle))
    if found is None or not found.is_open(server.now()) or found.body.client != client.id:
        raise NotFound("This request is over.")
    if doubt is not None:
        raise _back(server, client, found.body.back, doubt)
    return handle


async def _direct_request(server: Server, client: Client, sent: Sent, doubt: InvalidRequest | None) -> RequestTicket:
    """Check what the browser brought. It will be kept as a pushed one is, so that from here on both ways are one."""
    parameters = read_well_formed(Parameters, sent.form)
    asking = Asking(server, client, parameters, False, None, sent.signed)
    examine(asking, DESTINATION)
    try:
        if doubt is not None:
            raise doubt
        read_into(Parameters, sent.form)
        examine(asking, CHECKS)
        await check_named_grant(asking)
        return to_ticket(asking)
    except OAuthError as error:
        raise _back(server, client, back_of(asking), error) from error


def _back(server: Server, client: Client, to: Back, error: OAuthError) -> _GoBack:
    """Tell the client at its proven address (RFC 6749 §4.1.2.1)."""
    _log.info("refused", path="/authorize", client=client.id, error=error.code, detail=error.detail)
    return _GoBack(finish.with_error(server, to, error))


async def _onward(server: Server, request: Request, handle: str, ticket: RequestTicket | None) -> Response:
    try:
        session = await server.session(request.only("cookie"))
        match await next_for(server, handle, session, new=ticket):
            case SignIn(acr=acr):
                return see_other(server.pages.sign_in(handle, acr))
            case Decide():
                return see_other(server.pages.consent(handle))
            case Deliver(answer=answer):
                return _sent(server, answer)
    except GrantlineError as error:
        return _error_page(server, error)


def _sent(server: Server, answer: Delivery) -> Response:
    """On to the client: by its address, or by a page that posts there."""
    return server.pages.posting(answer.url, answer.fields) if answer.fields else see_other(answer.url)


def _error_page(server: Server, error: GrantlineError) -> Response:
    """Nothing is redirected: the address is not proven, or there is none (RFC 9700 §4.11)."""
    reference = secrets.token_hex(6)
    code = _code_of(error)
    _log.info("refused", path="/authorize", error=code, detail=error.detail or error.message, reference=reference)
    return server.pages.error(code, reference)


def _code_of(error: GrantlineError) -> str:
    match error:
        case InvalidRedirect():
            return "invalid_request: redirect_uri"
        case AuditUnavailable():
            return "audit_unavailable"
        case OAuthError():
            return error.code
        case _:
            return "request_gone"
