"""The authority that a load harness meets: the real one, and a door by which a person signs in without a password.

    python -m bench.peer_authority DATA CONFIG

A harness that knows no product cannot fill in a form that is guarded against forgery; `POST /bench/sign-in` stands for
that form. A process of its own with nothing else in it, so that its memory is the authority's.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from grantline.app.authority import authority, server_config
from grantline.app.ready import announce_ready, stop_on_signals
from grantline.app.setup import prepare
from grantline.app.state import open_state
from grantline.app.web import serve
from grantline.identity import Sessions
from grantline.model.clock import SystemClock
from grantline.settings import load
from grantline.ui.kit import Cookies

DOOR, PERSON = "/bench/sign-in", "visitor"
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


async def serve_authority(data: Path, config: Path) -> None:
    """The authority with the door for the harness; everything else as `grantline serve --role authority` has it."""
    settings, stop, clock = load(config), asyncio.Event(), SystemClock()
    stop_on_signals(stop)
    prepare(data)
    async with open_state(data, create=True, storage=settings.storage) as state:
        issuer = settings.server.issuer or ""
        async with authority(settings, data, state, issuer, clock) as composed:
            sessions = Sessions(state, clock, settings=settings.sessions)
            app = with_door(composed.app, state, sessions, Cookies.for_issuer(issuer))
            await serve(server_config(app, settings), composed.tasks, announce_ready, stop)


def with_door(app: Asgi, state: Any, sessions: Sessions, cookies: Cookies) -> Asgi:
    """The application, and `DOOR`, which signs the declared person in."""

    async def signed_in(tx: Any) -> str:
        person = await tx.people.by_username(PERSON)
        return (await sessions.begin(tx, person.id, ("pwd",), None)).secret

    async def both(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != DOOR:
            await app(scope, receive, send)
            return
        cookie = f"{cookies.session}={await state.write(signed_in)}; Path=/".encode()
        headers = [(b"set-cookie", cookie), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return both


if __name__ == "__main__":
    uvloop.run(serve_authority(Path(sys.argv[1]), Path(sys.argv[2])))
