"""The demonstration's calendar: an API that is its own gateway, for our ASGI middleware runs in its process."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
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
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.process import GatewayParts, GatewayPlan, embedded
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.ids import ApiId, GatewayId
from grantline.sdk.resource_server import ContextVerifier, RequireGateway

API, GATEWAY = ApiId("calendar"), GatewayId("calendar")
RESOURCE = "https://calendar.example/api"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the calendar listens and writes its calls; whose gateway it is, and where that keeps its things."""

    port: int
    log: Path
    data: Path
    issuer: str

    @classmethod
    def from_environment(cls) -> "Settings":
        """CALENDAR_PORT, CALENDAR_LOG, CALENDAR_DATA (the instance's directory), CALENDAR_ISSUER."""
        return cls(
            port=int(os.environ["CALENDAR_PORT"]),
            log=Path(os.environ["CALENDAR_LOG"]),
            data=Path(os.environ["CALENDAR_DATA"]),
            issuer=os.environ["CALENDAR_ISSUER"],
        )

    @property
    def base(self) -> str:
        """Its address, as clients and their proofs say it."""
        return f"http://127.0.0.1:{self.port}"

    def plan(self) -> GatewayPlan:
        """The gateway inside this process."""
        return GatewayPlan(
            name=GATEWAY,
            folder=Places(self.data).gateway(GATEWAY),
            issuer=self.issuer,
            fronts=(),
            submit=submitting(LedgerPlaces(self.data).ledger_socket),
        )


def calendar_api(today: Callable[[], date], log: CallLog) -> Starlette:
    """The API behind its door. It answers in full: cutting is the gateway's part."""

    async def listed(request: Request) -> JSONResponse:
        context = upstream.begin(request, log)
        since = upstream.since_of(request)
        return JSONResponse({"events": events(context.sub or "", today(), since), "zone": "UTC"})

    return upstream.api([Route("/events", listed)])


def enforced(settings: Settings, parts: GatewayParts, today: Callable[[], date]) -> Enforced:
    """The API with its door, behind the gateway of the same process. The door is the same as everywhere."""
    keys = {str(GATEWAY): [parts.identity.key.public.jwk]}
    door = RequireGateway(calendar_api(today, CallLog(settings.log)), ContextVerifier(keys, RESOURCE, skew_ms=0))
    return Enforced(door, parts.gateway, API, settings.base)


def utc_today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


async def run(settings: Settings) -> None:
    """Serve until told to stop. Calls are refused until the gateway has heard from its authority."""
    async with embedded(settings.plan()) as parts:
        timed = Timed(enforced(settings, parts, utc_today), settings.log.with_name("calendar-access.jsonl"))
        config = uvicorn.Config(
            timed, host="127.0.0.1", port=settings.port, access_log=False, log_level="warning",
            timeout_keep_alive=60, timeout_graceful_shutdown=3,
        )  # fmt: skip
        await uvicorn.Server(config).serve()


def main() -> None:
    """Settings come from the environment."""
    asyncio.run(run(Settings.from_environment()))


if __name__ == "__main__":
    main()
