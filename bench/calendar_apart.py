"""A second calendar with a gateway of its own inside: the third gateway of bench.three.

Settings as of demo.calendar, and CALENDAR_AUTHORITY: where it reaches its authority.
"""

import asyncio
import os
from dataclasses import replace

import uvicorn

from demo.calendar import API, RESOURCE, Settings, calendar_api, utc_today
from demo.calls import CallLog
from grantline.app.places import Places
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.process import embedded
from grantline.model.ids import GatewayId
from grantline.sdk.resource_server import ContextVerifier, RequireGateway

NAME = GatewayId("calendar-2")


async def main() -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    folder, authority = Places(settings.data).gateway(NAME), os.environ["CALENDAR_AUTHORITY"]
    async with embedded(replace(settings.plan(), name=NAME, folder=folder, authority=authority)) as parts:
        verifier = ContextVerifier({NAME: [parts.identity.key.public.jwk]}, RESOURCE, skew_ms=0)
        door = RequireGateway(calendar_api(utc_today, CallLog(settings.log)), verifier)
        config = uvicorn.Config(
            Enforced(door, parts.gateway, API, settings.base), host="127.0.0.1", port=settings.port, access_log=False,
            log_level="warning", timeout_keep_alive=60, timeout_graceful_shutdown=3,
        )  # fmt: skip
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
