"""The demonstration's calendar: an API that is its own gateway, for our ASGI middleware runs in its process."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo import upstream
from demo.calendar_data import events
from demo.calls import CallLog

RESOURCE = "https://calendar.example/api"


def calendar_api(today: Callable[[], date], log: CallLog) -> Starlette:
    """The API behind its door. It answers in full: cutting is the gateway's part."""

    async def listed(request: Request) -> JSONResponse:
        context = upstream.begin(request, log)
        since = upstream.since_of(request)
        return JSONResponse({"events": events(context.sub or "", today(), since), "zone": "UTC"})

    return upstream.api([Route("/events", listed)])


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()
