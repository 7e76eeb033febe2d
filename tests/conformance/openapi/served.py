"""A server on a port, with a client that may do what its description speaks of, beside the test that calls it."""

import asyncio
import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn

from grantline.authorization import Settings, oauth_endpoints
from grantline.crypto.encoding import b64url
from grantline.model.clock import SystemClock
from grantline.parties import RegistrationPolicy, RegistrationSettings, hash_of, read_client, registering
from grantline.sdk.client import Begun
from tests.authorization_world import World, make_world, query_of
from tests.grants_world import give_service

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
SECRET = "of-256-bits-made-by-the-server"
BASIC = "Basic " + base64.b64encode(f"bank:{SECRET}".encode()).decode()
BANK = read_client(
    {
        "id": "bank", "name": "Bank", "publisher": "Bank", "web": "https://bank.example", "kind": "service",
        "auth": "client_secret_basic", "secret_hashes": [hash_of(SECRET)], "dpop_bound": False,
        "redirect_uris": ["https://bank.example/cb"], "scopes": ["openid", "calendar.events", QUERY, REVOKE],
        "audience": ["https://bank.example/api"], "backchannel": {"delivery": "poll"},
        "grants": ["authorization_code", "refresh_token", "client_credentials",
                   "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"],
    }
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """Where it is, and what its callers have: a token for grants, one about a person, one to register with, a grant."""

    url: str
    own_token: str
    person_token: str
    registration_token: str
    grant: str


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """From its first answer to its end, in a loop of its own."""
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_serve(folder, found, ready, stop))
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(30)
    try:
        assert found, failed
        yield found[0]
    finally:
        stop.set()
        thread.join(10)


async def _serve(folder: Path, found: list[Served], ready: threading.Event, stop: threading.Event) -> None:
    world = await make_world(folder / "state.db", clock=SystemClock(), settings=Settings(requests_per_minute=10**9))  # type: ignore[arg-type]
    world.serve(replace(world.server, registration=RegistrationSettings(dynamic=True, most_clients=10**6)))
    config = uvicorn.Config(oauth_endpoints(world.server), port=0, log_config=None, lifespan="off", server_header=False)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    found.append(await _prepared(world, f"http://127.0.0.1:{listening.getsockname()[1]}"))
    ready.set()
    while not stop.is_set():  # noqa: ASYNC110 - another thread's
        await asyncio.sleep(0.05)
    server.should_exit = True
    await serving
    await world.close()


async def _prepared(world: World, url: str) -> Served:
    await world.register(BANK)
    await give_service(world, "bank")
    person = await _connected(world)
    own = await _asked(world, "/token", grant_type="client_credentials", scope=f"{QUERY} {REVOKE}")
    policy, until = RegistrationPolicy(scopes=("calendar.events",)), world.server.now() + 10**6
    initial = await world.database.write(
        lambda tx: registering.initial_token(
            tx, policy, uses=10**6, expires_at=until, randomness=world.server.randomness
        )
    )
    return Served(url, own["access_token"], person["access_token"], initial, person["grant_id"])


async def _connected(world: World) -> dict[str, Any]:
    """The tokens of a person who allowed the client everything it asked for."""
    verifier = b64url(world.server.randomness(32))
    redirect = BANK.redirect_uris[0]
    pushed = await _asked(
        world, "/par", response_type="code", redirect_uri=redirect, scope="openid calendar.events",
        code_challenge=b64url(hashlib.sha256(verifier.encode()).digest()), code_challenge_method="S256",
    )  # fmt: skip
    asked = urlencode({"client_id": BANK.id, "request_uri": pushed["request_uri"]})
    begun = Begun(f"/authorize?{asked}", "", verifier, redirect)
    code = query_of(await world.allow(begun))["code"]
    return await _asked(
        world, "/token", grant_type="authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier
    )


async def _asked(world: World, path: str, **form: str) -> dict[str, Any]:
    answer = await world.http.post(path, data=form, headers={"authorization": BASIC})
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told
