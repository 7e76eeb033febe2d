"""What the demonstration's APIs have in common: settings, the guarded door, problem documents, being served."""

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.calls import CallLog, TooLate
from grantline.sdk.resource_server import Context, ContextVerifier, RequireGateway, context_of


@dataclass(frozen=True, slots=True)
class Settings:
    """Where an API listens, whose signature it believes, where it writes its calls. It knows nothing else of us."""

    port: int
    gateway: str
    gateway_key: Path
    log: Path

    @classmethod
    def from_environment(cls, prefix: str) -> "Settings":
        """PREFIX_PORT, PREFIX_GATEWAY (its id), PREFIX_GATEWAY_KEY (file with its public JWK), PREFIX_LOG."""
        return cls(
            port=int(os.environ[f"{prefix}_PORT"]),
            gateway=os.environ[f"{prefix}_GATEWAY"],
            gateway_key=Path(os.environ[f"{prefix}_GATEWAY_KEY"]),
            log=Path(os.environ[f"{prefix}_LOG"]),
        )


def behind_gateway(api: Starlette, settings: Settings, resource: str) -> RequireGateway:
    """The API with its door: only what the pinned gateway signed for this resource comes in."""
    key = json.loads(settings.gateway_key.read_text())
    return RequireGateway(api, ContextVerifier({settings.gateway: [key]}, resource, skew_ms=0))


def api(routes: list[Route]) -> Starlette:
    """An API whose errors are problem documents (RFC 9457)."""
    return Starlette(routes=routes, exception_handlers={HTTPException: _problem, TooLate: _too_late})


def begin(request: Request, log: CallLog) -> Context:
    """Write the call down before anything is done for it."""
    context = context_of(request.scope)
    log.began(context, request.method, request.scope["route"].path)
    return context


async def object_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries; 400 for anything else."""
    try:
        told = await request.json()
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(told, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return told


def since_of(request: Request) -> date | None:
    """The day from which on records are wanted, None where the caller names none; 400 for what is no date."""
    text = request.query_params.get("since")
    try:
        return date.fromisoformat(text[:10]) if text is not None else None
    except ValueError as error:
        raise HTTPException(400, "since is a date such as 2026-01-31") from error


def serve(app: Any, port: int) -> None:
    """Answer on loopback until told to stop."""
    # Proxies keep idle connections shorter than this, or a call could meet one that is being closed.
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", timeout_keep_alive=60)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = {"type": "about:blank", "title": error.detail, "status": error.status_code}
    return JSONResponse(told, status_code=error.status_code, media_type="application/problem+json")


async def _too_late(request: Request, _: Exception) -> JSONResponse:
    return await _problem(request, HTTPException(401, "the call came too late"))
