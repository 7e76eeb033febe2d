"""Keys change while apps get tokens and call an API: the composed authority, a real feed, a gateway inside an app."""

import asyncio
import contextlib
import json
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import uvicorn

from grantline.app.key_commands import compromised
from grantline.app.places import Places
from grantline.app.setup import gateway_token
from grantline.app.web import serve
from grantline.authorization import Settings as AuthorizationSettings
from grantline.authorization.keys import KeySettings, KeyState, life
from grantline.crypto.custody.file import write_private
from grantline.crypto.encoding import unb64url
from grantline.crypto.es256 import SigningKey
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.authority_client import AuthorityClient
from grantline.gateway.process import GatewayParts, GatewayPlan, embedded
from grantline.model.bundle import BundleContent
from grantline.model.clock import SystemClock
from grantline.model.events import Accepted, Sequenced, Submission
from grantline.model.ids import ApiId, GatewayId
from grantline.model.reasons import Reason
from grantline.sdk.client import Calls, Client, Prover, Tokens
from grantline.settings import Settings
from grantline.signals import FeedSettings
from tests.instance_world import BACK, ISSUER, Instance, instance

API, GATEWAY = ApiId("calendar"), GatewayId("calendar")
BASE = "https://calendar.example"
SURELY_VALID_S = 0.8
"""Of a token's two seconds the first may be nearly over when it is made."""
LONG_LEASE_MS = 20_000
"""A busy machine does not silence a gateway for so long."""
SOON = Settings(
    keys=KeySettings(algorithms=("ES256",), rotate_every_days=2 / 86_400),
    authorization=AuthorizationSettings(access_lifetime=2, id_token_lifetime=2, request_lifetime=2, jwks_max_age=1),
)


async def events_api(_scope: Any, _receive: Any, send: Any) -> None:
    """An API with nothing in it."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"events": [], "zone": "UTC"}'})


def kid_of(token: str) -> str:
    return str(json.loads(unb64url(token.partition(".")[0]))["kid"])


@dataclass
class Running:
    """Everything answers. `answers`: how each request ended; `signers`: kids of the tokens used, in order."""

    house: Instance
    parts: GatewayParts
    settings: Settings
    app: Client
    prover: Prover
    tokens: Tokens
    answers: Counter[str] = field(default_factory=Counter)
    signers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(app=Enforced(events_api, self.parts.gateway, API, BASE))
        self.calls = Calls(httpx2.AsyncClient(transport=transport, base_url=BASE), self.prover)

    async def call(self, token: str) -> httpx2.Response:
        """One call of the API through the gateway."""
        return await self.calls.send("GET", f"{BASE}/events", token)

    async def fresh(self) -> str:
        """A new access token by the refresh token."""
        self.tokens = await self.app.refresh(self.tokens.refresh_token or "")
        if kid_of(self.tokens.access_token) not in self.signers:
            self.signers.append(kid_of(self.tokens.access_token))
        return self.tokens.access_token

    async def keep_calling(self, stop: asyncio.Event) -> None:
        """A new token, calls with it, calls with the oldest that is surely valid, and again."""
        kept: deque[tuple[float, str]] = deque()
        while not stop.is_set():
            kept.append((time.monotonic(), await self.fresh()))
            while time.monotonic() - kept[0][0] > SURELY_VALID_S:
                kept.popleft()
            for _, token in (kept[-1], kept[0], kept[-1], kept[0]):
                answer = await self.call(token)
                self.answers[str(answer.status_code) if answer.status_code == 200 else answer.text] += 1
                await asyncio.sleep(0.01)

    async def states(self) -> list[tuple[str, KeyState]]:
        rows = await self.house.state.read(lambda tx: tx.signing_keys.all())
        return [(row.kid, row.state) for row in rows]


async def taken(submission: Submission) -> Accepted:
    """A ledger that takes everything."""
    raw: Any = submission.events[-1]
    last = msgspec.json.decode(bytes(raw), type=Sequenced)
    return Accepted(boot=last.boot, last_seq=last.seq, first_index=0, size=0)


@asynccontextmanager
async def running(folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """An authority on a port, a gateway that follows it, and an app that a person connected."""
    async with instance(folder, "one", settings=settings, clock=SystemClock()) as house:
        stop, ready = asyncio.Event(), asyncio.Event()
        config = uvicorn.Config(
            house.composed.app, host="127.0.0.1", port=0, lifespan="off", log_config=None, ws="websockets-sansio"
        )
        sockets = [config.bind_socket()]
        config.fd = sockets[0].fileno()
        port = sockets[0].getsockname()[1]
        serving = asyncio.create_task(serve(config, house.composed.tasks, ready.set, stop))
        place = Places(house.data).gateway(GATEWAY)
        token = await house.state.write(lambda tx: gateway_token(tx, GATEWAY))
        write_private(place / "enrolment-token", token.encode())
        plan = GatewayPlan(
            name=GATEWAY, folder=place, issuer=ISSUER, fronts=(), submit=lambda _identity: taken,
            authority=f"http://127.0.0.1:{port}",
        )  # fmt: skip
        await asyncio.wait_for(ready.wait(), 10)
        try:
            async with embedded(plan) as parts:
                yield await _connected(house, parts, settings)
        finally:
            stop.set()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


async def _connected(house: Instance, parts: GatewayParts, settings: Settings) -> Running:
    prover = Prover("budget", SigningKey.generate(), None, house.clock, secrets.token_bytes)
    app, visitor = Client(house.visitor().http, ISSUER, prover, BACK), house.visitor()
    begun, returned = await visitor.connect(app, scope="calendar.events")
    made = Running(house, parts, settings, app, prover, await app.finish(begun, returned))
    async with asyncio.timeout(10):
        while (await made.call(await made.fresh())).status_code != 200:  # noqa: ASYNC110 - until the first lease
            await asyncio.sleep(0.02)
    return made


async def until(seconds: float, met: Any) -> None:
    async with asyncio.timeout(seconds):
        while not await met():  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.02)


@pytest.mark.serial
async def test_keys_rotate_under_load_without_one_refused_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers: check 114, check 157."""
    monkeypatch.setattr(life, "SLACK_S", 0)
    async with running(tmp_path, SOON) as made:
        stop = asyncio.Event()
        load = [asyncio.create_task(made.keep_calling(stop))]
        first = made.signers[0]

        async def enough() -> bool:
            failed = [task.exception() for task in load if task.done()]
            assert not failed, failed
            gone = dict(await made.states())[first] is KeyState.GONE and made.parts.bundle.key(first) is None
            return len(made.signers) >= 3 and gone

        await until(15, enough)
        stop.set()
        await asyncio.gather(*load)
        assert set(made.answers) == {"200"}
        assert made.answers["200"] > 50


# A gateway that is not heard of for a lease is none that the next key has to wait for.
@pytest.mark.serial
async def test_a_gateway_that_has_not_taken_the_next_key_keeps_it_from_signing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: check 114."""
    monkeypatch.setattr(life, "SLACK_S", 0)
    reach, fetch = asyncio.Event(), AuthorityClient.bundle
    reach.set()

    async def fetch_within_reach(authority: AuthorityClient) -> BundleContent:
        """An answer on its way is lost too: nothing arrives once the bundle is out of reach."""
        content = await fetch(authority)
        if not reach.is_set():
            raise ConnectionError("the bundle is out of reach")
        return content

    monkeypatch.setattr(AuthorityClient, "bundle", fetch_within_reach)
    async with running(tmp_path, replace(SOON, feed=FeedSettings(lease_ms=LONG_LEASE_MS))) as made:
        reach.clear()

        async def published() -> bool:
            return any(
                state is KeyState.PUBLISHED and made.parts.bundle.key(kid) is None for kid, state in await made.states()
            )

        await until(10, published)
        held = made.parts.bundle.kids()
        after = time.monotonic() + 2
        while time.monotonic() < after:
            assert kid_of(await made.fresh()) in held
            assert (await made.call(made.tokens.access_token)).status_code == 200
            await asyncio.sleep(0.05)
        reach.set()

        async def signs_anew() -> bool:
            return kid_of(await made.fresh()) not in held

        await until(5, signs_anew)
        assert (await made.call(made.tokens.access_token)).status_code == 200


async def test_tokens_of_a_compromised_key_are_refused_within_the_bound_and_apps_go_on(tmp_path: Path) -> None:
    """Covers: check 114."""
    settings = replace(SOON, keys=KeySettings(algorithms=("ES256",)), authorization=AuthorizationSettings())
    async with running(tmp_path, settings) as made:
        token = await made.fresh()
        stolen = kid_of(token)
        assert (await made.call(token)).status_code == 200
        began = time.monotonic()
        done = await compromised(made.house.data, settings, stolen)

        async def refused() -> bool:
            return (await made.call(token)).status_code == 401

        await until(5, refused)
        took = time.monotonic() - began
        feed = settings.feed
        assert took < feed.fence_ns(feed.lease_ms) / 1e9, took
        assert (await made.call(token)).json()["reason"] in (Reason.KEY_COMPROMISED, Reason.TOKEN_INVALID)

        async def goes_on() -> bool:
            return (await made.call(await made.fresh())).status_code == 200

        await until(5, goes_on)
        assert kid_of(made.tokens.access_token) == done.signs
        published = (await made.house.visitor().get("/jwks")).json()["keys"]
        assert [key["kid"] for key in published] == [done.signs]
