"""Stop a connection: consequences, one act, and then what was measured (P5)."""

from starlette.requests import Request
from starlette.responses import Response

from grantline.identity import Session
from grantline.ledger.reading import Access
from grantline.model.errors import GrantlineError
from grantline.model.feed import Closure
from grantline.ui.kit import form_token, read_form, require_token
from grantline.ui.portal.connections import PAGE, one
from grantline.ui.portal.services import Connection
from grantline.ui.portal.site import Site, for_person, see_other
from grantline.ui.portal.views.closure import closure_view, mark
from grantline.ui.portal.views.detail import head_view, receipt_rows
from grantline.ui.portal.views.words import RUNNING


@for_person
async def ask_stop(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections/{id}/stop`: what it means, and two equal ways on. An ended one shows its answer."""
    connection = await one(site, request, session)
    if connection.status not in RUNNING:
        return see_other(f"{PAGE}/{connection.consent}/stopped")
    return site.pages.answer(
        "portal/stop.html",
        frame=site.frame(session, PAGE),
        head=head_view(connection, None, False, site.formats()),
        changes=any(line.changes for line in connection.lines),
        token=form_token(session.csrf, f"stop:{connection.consent}"),
    )


@for_person
async def stop(site: Site, request: Request, session: Session) -> Response:
    """`POST /connections/{id}/stop`: ends it first, then waits a moment to say how far that got."""
    requested_us = site.clock.wall_us()
    form = await read_form(request)
    connection = await one(site, request, session)
    consent = connection.consent
    require_token(form, session.csrf, f"stop:{consent}")
    seq = await site.services.withdrawal.withdraw(session.person, consent, requested_us=requested_us)
    if seq is not None:
        await _wait(site, connection, seq)
    return see_other(f"{PAGE}/{consent}/stopped")


@for_person
async def show_stopped(site: Site, request: Request, session: Session) -> Response:
    """`GET /connections/{id}/stopped`: the answer, as far as it is known now."""
    connection = await one(site, request, session)
    if connection.status in RUNNING:
        return see_other(f"{PAGE}/{connection.consent}")
    formats = site.formats()
    closures = await site.services.closures.of(connection.consent)
    closure = closures[-1] if closures else None
    before, after = await _around(site, connection, closure)
    view = None if closure is None else closure_view(closure, formats, fence_us=site.settings.fence_ms * 1_000)
    return site.pages.answer(
        "portal/stopped.html",
        frame=site.frame(session, PAGE),
        head=head_view(connection, None, False, formats),
        v=view,
        last_allowed=mark(before, connection, formats),
        first_refused=mark(after, connection, formats),
        receipts=receipt_rows(connection, formats)[:1],
    )


async def _wait(site: Site, connection: Connection, seq: int) -> None:
    """The stop stands already: whatever fails here only delays what can be told of it."""
    try:
        await site.services.closures.wait(connection.consent, seq, site.settings.stop_wait)
    except (GrantlineError, OSError):
        return


async def _around(site: Site, connection: Connection, closure: Closure | None) -> tuple[Access | None, Access | None]:
    if closure is None:
        return None, None
    try:
        return await site.services.record.around(connection.consent, closure.committed_us)
    except (GrantlineError, OSError):
        return None, None
