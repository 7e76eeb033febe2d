"""A client sends the person here to sign out (OIDC RP-Initiated Logout §2): checked, kept, and on to the page.

Nothing is decided here: a form posted by another site comes without cookies, the page that follows comes with them.
"""

import secrets
from typing import Annotated

import msgspec
import structlog

from grantline.authorization import tickets
from grantline.authorization.http import Request, Response, see_other
from grantline.authorization.parameters import form_body, read_encoded, read_into
from grantline.authorization.server import Server
from grantline.authorization.steps.client import find_client
from grantline.authorization.tickets import LogoutTicket
from grantline.authorization.tokens import id_token
from grantline.authorization.tokens.id_token import Hint
from grantline.model.errors import GrantlineError, InvalidRequest, OAuthError
from grantline.parties import Client, Standing

_log = structlog.get_logger("grantline.authorization")


class InvalidReturn(InvalidRequest):
    """The address to go to afterwards is not registered: nobody is sent there (check 152)."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """As sent. `logout_hint` and `ui_locales` are taken and change nothing: who is here is known by the session."""

    id_token_hint: Annotated[str, msgspec.Meta(max_length=8_192)] | None = None
    client_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    post_logout_redirect_uri: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None
    state: Annotated[str, msgspec.Meta(max_length=4_096)] | None = None
    logout_hint: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    ui_locales: Annotated[str, msgspec.Meta(max_length=200)] | None = None


async def end_session(server: Server, request: Request) -> Response:
    """Keep what was asked and lead to the page that signs out, or show why nobody is led anywhere."""
    try:
        parameters = read_into(Parameters, read_encoded(_sent(request)))
        ticket = await _examined(server, parameters)
        handle = tickets.new_handle(server.randomness)
        until = server.now() + server.settings.request_lifetime
        await server.work.write(lambda tx: tickets.keep(tx.tickets, handle, ticket, until))
    except GrantlineError as error:
        return _error_page(server, error)
    return see_other(server.pages.sign_out(handle))


def _sent(request: Request) -> str:
    return form_body(request) if request.method == "POST" else request.query


async def _examined(server: Server, parameters: Parameters) -> LogoutTicket:
    """What holds of the request. A hint that is not ours, or not about this client, counts as nothing (check 153)."""
    hint = _hint(server, parameters)
    named = parameters.client_id or (None if hint is None else hint.aud)
    client = None if named is None else await find_client(server, named)
    if client is not None and client.status is not Standing.ACTIVE:
        client = None
    forged = parameters.id_token_hint is not None and hint is None
    onward = None if client is None or forged else _return(client, parameters)
    return LogoutTicket(
        client=None if client is None else client.client_id,
        redirect_uri=onward,
        state=parameters.state if onward is not None else None,
        sid=None if hint is None else hint.sid,
        subject=None if hint is None else hint.sub,
    )


def _hint(server: Server, parameters: Parameters) -> Hint | None:
    """Whom and what the client means, if it can show an ID token of ours for it; an expired one will do (§4)."""
    if parameters.id_token_hint is None:
        return None
    hint = id_token.read_hint(server, parameters.id_token_hint)
    if hint is None or parameters.client_id not in {None, hint.aud}:
        _log.info("ignored", path="/logout", parameter="id_token_hint")
        return None
    return hint


def _return(client: Client, parameters: Parameters) -> str | None:
    """The address to go to afterwards: exactly a registered one, letter by letter (check 152)."""
    wanted = parameters.post_logout_redirect_uri
    if wanted is not None and wanted not in client.logout.redirect_uris:
        raise InvalidReturn("post_logout_redirect_uri is not registered.", detail=f"client {client.id}")
    return wanted


def _error_page(server: Server, error: GrantlineError) -> Response:
    reference = secrets.token_hex(6)
    code = error.code if isinstance(error, OAuthError) else "server_error"
    if isinstance(error, InvalidReturn):
        code = "invalid_request: post_logout_redirect_uri"
    _log.info("refused", path="/logout", error=code, detail=error.detail or error.message, reference=reference)
    return server.pages.error(code, reference)
