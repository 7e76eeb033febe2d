"""An API that is its own gateway, as a process: answers with what its gateway agreed to, and names the evaluation."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from grantline.app.gateway import submitting
from grantline.app.log import set_up_log
from grantline.app.places import Places
from grantline.app.ready import announce_ready, stop_on_signals
from grantline.app.web import serve
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.process import GatewayParts, GatewayPlan, embedded
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.ids import ApiId, GatewayId
from grantline.sdk.resource_server import ContextVerifier, RequireGateway, context_of
from grantline.settings import load

API, GATEWAY = ApiId("calendar"), GatewayId("calendar")
RESOURCE = "https://calendar.example/api"
SLOW = "slow"


async def listed(request: Request) -> JSONResponse:
    """The evaluation goes back as a granted field, so that a test can ask the record for this very call."""
    if SLOW in request.query_params:
        await asyncio.sleep(60)
    context = context_of(request.scope)
    today = datetime.now(UTC).date().isoformat()
    return JSONResponse({"events": [{"start": today, "end": context.ev}], "zone": "UTC"})


def behind(parts: GatewayParts, port: int) -> Enforced:
    keys = {str(GATEWAY): [parts.identity.key.public.jwk]}
    door = RequireGateway(Starlette(routes=[Route("/events", listed)]), ContextVerifier(keys, RESOURCE))
    return Enforced(door, parts.gateway, API, f"http://127.0.0.1:{port}")


async def main(data: Path, config: Path, port: int, authority: str) -> None:
    set_up_log(data, "api")
    settings = load(config)
    stop = asyncio.Event()
    stop_on_signals(stop)
    plan = GatewayPlan(
        name=GATEWAY,
        folder=Path(os.environ.get("API_FOLDER", Places(data).gateway(GATEWAY))),
        issuer=str(settings.server.issuer),
        fronts=(),
        submit=submitting(LedgerPlaces(data).ledger_socket),
        authority=authority,
        settings=settings.gateway,
    )
    async with embedded(plan) as parts:
        config_ = uvicorn.Config(
            behind(parts, port), host="127.0.0.1", port=port, access_log=False, log_config=None,
            lifespan="off", timeout_graceful_shutdown=1,
        )  # fmt: skip
        await serve(config_, (), announce_ready, stop)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
