"""Connections: the list, one of them, its accesses, its receipts. Nothing here widens access (P17)."""

from collections.abc import Awaitable
from typing import TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session
from grantline.ledger.reading import Usage
from grantline.model.errors import GrantlineError, NotFound
from grantline.model.ids import ConsentId
from grantline.ui.kit import count
from grantline.ui.portal.services import Connection
from grantline.ui.portal.site import Site, for_person
from grantline.ui.portal.use import recent_use
from grantline.ui.portal.views.accesses import access_days
from grantline.ui.portal.views.connections import list_view, running_sentence
from grantline.ui.portal.views.detail import (
    fields_view,
    head_view,
    receipt_rows,
    use_view,
)

PAGE = "/connections"
ACCESSES_ON_A_PAGE = 100
T = TypeVar("T")
log = structlog.get_logger()


@for_person
async def show_home(site: Site, _: Request, session: Session) -> Response:
    """`GET /`."""
    connections = await site.services.connections.of(session.person)
    waiting, frame = len(await site.services.elsewhere.waiting(session.person)), site.frame(session, "/")
    return site.pages.answer("portal/home.html", frame=frame, running=running_sentence(connections), waiting=waiting)


@for_person
async def show_check(site: Site, _: Request, session: Session) -> Response:
    """`GET /check`: how to verify without us."""
    return site.pages.answer("portal/check.html", frame=site.frame(session, "/check"))


@for_person
async def show_connections(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections`."""
    connections = await site.services.connections.of(session.person)
    usage = await _told(site.services.record.usage(tuple(each.consent for each in connections)))
    view = list_view(connections, usage, request.query_params.get("show", ""), site.formats())
    waiting = len(await site.services.elsewhere.waiting(session.person))
    return site.pages.answer("portal/connections.html", frame=site.frame(session, PAGE), v=view, waiting=waiting)


@for_person
async def show_connection(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections/{id}`: what the ledger cannot tell just now is left out alone; stopping works."""
    connection = await one(site, request, session)
    formats, record, consent = site.formats(), site.services.record, connection.consent
    usage = await _told(record.usage((consent,)))
    recent = await _told(recent_use(record, consent, formats))
    life = await _told(record.life(consent))
    accesses = await _told(record.accesses(consent, limit=site.settings.access_rows))
    used = usage.get(consent) if usage is not None else None
    return site.pages.answer(
        "portal/connection.html",
        frame=site.frame(session, PAGE),
        head=head_view(connection, used, usage is not None, formats),
        use=None if recent is None or life is None else use_view(recent, life, formats),
        fields=None if recent is None else fields_view(connection, recent, formats),
        days=None if accesses is None else access_days(accesses, connection, site.services.endpoint_label, formats),
        total=_total(used),
        receipts=receipt_rows(connection, formats),
    )


@for_person
async def show_accesses(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections/{id}/accesses`: a hundred at a time, newest first; `before` is a ledger entry."""
    connection = await one(site, request, session)
    formats, asked = site.formats(), request.query_params.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
    accesses = await site.services.record.accesses(connection.consent, limit=ACCESSES_ON_A_PAGE + 1, before=before)
    rows = accesses[:ACCESSES_ON_A_PAGE]
    return site.pages.answer(
        "portal/accesses.html",
        frame=site.frame(session, PAGE),
        head=head_view(connection, None, False, formats),
        days=access_days(rows, connection, site.services.endpoint_label, formats),
        newer=before is not None,
        older=rows[-1].index if len(accesses) > len(rows) else None,
    )


@for_person
async def send_receipt(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections/{id}/receipt/{version}`: a file to keep."""
    consent, version = ConsentId(request.path_params["consent"]), request.path_params["version"]
    body = await site.services.connections.receipt(session.person, consent, version)
    headers = {"content-disposition": f'attachment; filename="receipt-version-{version}.json"'}
    return Response(body, media_type="application/json", headers=headers)


async def one(site: Site, request: Request, session: Session) -> Connection:
    """The connection that the address names. Raises `NotFound` also when it is another person's."""
    return await site.services.connections.one(session.person, ConsentId(request.path_params["consent"]))


async def _told(answer: Awaitable[T]) -> T | None:
    """What the ledger says; None when it cannot be asked, for then that sheet alone says so."""
    try:
        return await answer
    except NotFound:
        raise
    except (GrantlineError, OSError) as error:
        log.warning("ledger not readable", error=repr(error))
        return None


def _total(usage: Usage | None) -> str:
    return count(usage.allowed + usage.refused) if usage else "0"
