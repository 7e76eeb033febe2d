"""The demonstration's calendar: an API that is its own gateway, for our ASGI middleware runs in its process."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo import upstream
from demo.calendar_data import events
from demo.calls import CallLog
from demo.timed import Timed
from grantline.app.gateway import submitting
from grantline.app.places import Places
from grantline.app.web import serve as serve_web
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.process import GatewayPlan, embedded
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.ids import ApiId, GatewayId
from grantline.sdk.resource_server import ContextVerifier, RequireGateway

API, GATEWAY = ApiId("calendar"), GatewayId("calendar")
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


def plan(data: Path, issuer: str) -> GatewayPlan:
    """This program's own gateway: its folder, its authority, and the ledger's socket on the same machine."""
    return GatewayPlan(
        name=GATEWAY,
        folder=Places(data).gateway(GATEWAY),
        issuer=issuer,
        fronts=(),
        submit=submitting(LedgerPlaces(data).ledger_socket),
    )


async def serve(environment: Mapping[str, str], stop: asyncio.Event) -> None:
    """The API behind its own gateway, until `stop`."""
    port = int(environment["CALENDAR_PORT"])
    log = Path(environment["CALENDAR_LOG"])
    async with embedded(plan(Path(environment["CALENDAR_DATA"]), environment["CALENDAR_ISSUER"])) as parts:
        own = {GATEWAY: [parts.identity.key.public.jwk]}
        api = RequireGateway(calendar_api(today, CallLog(log)), ContextVerifier(own, RESOURCE))
        enforced = Enforced(api, parts.gateway, API, f"http://127.0.0.1:{port}")
        app = Timed(enforced, log.with_name("calendar-access.jsonl"))
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, access_log=False, log_level="warning", timeout_keep_alive=60,
            timeout_graceful_shutdown=3,
        )  # fmt: skip
        await serve_web(config, (), lambda: None, stop)


async def main() -> None:
    """Serve until told to stop; settings from the environment as CALENDAR_…"""
    stop = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    await serve(os.environ, stop)


if __name__ == "__main__":
    asyncio.run(main())
