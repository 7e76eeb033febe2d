"""Tokens that are bound to a certificate, at the ASGI adapter and through a real Envoy that ends TLS."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import orjson
import pytest
import pytest_asyncio

from grantline.gateway.adapters.envoy import Questions, serve_envoy
from grantline.gateway.minimiser import Address, Hop, Upstream
from grantline.model.token import Confirmation
from tests.certificates_world import SERVER, Held, authority, made
from tests.flows.enforce.test_enforce_asgi_adapter import Setting
from tests.flows.enforce.test_enforce_through_envoy import Api, Stack
from tests.flows.minimiser.hostile import BOUNDS
from tests.flows.minimiser.surfaces import Got, Service, envoy, exchange
from tests.unit.enforce.world import BANK, BASE, TRANSACTIONS, World

HOSTS = authority("CN=Hosts")
MINE, OTHER = made("CN=mine"), made("CN=mine")


def token_of(world: World, held: Held = MINE) -> str:
    return f"Bearer {world.token(cnf=Confirmation(x5t=held.x5t))}"


def spoofed(held: Held) -> dict[str, str]:
    """Every header by which a proxy could speak of a certificate."""
    encoded = quote(held.pem, safe="")
    return {
        "x-forwarded-client-cert": f'Hash={hashlib.sha256(held.der).hexdigest()};Cert="{encoded}"',
        "x-ssl-client-cert": encoded,
        "x-forwarded-tls-client-cert": base64.b64encode(held.der).decode(),
    }


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    one = Setting(tmp_path)
    yield one
    await one.world.spool.close()


async def through_asgi(setting: Setting, shown: Held | None, **headers: str) -> httpx2.Response:
    async def with_tls(scope: Any, receive: Any, send: Any) -> None:
        chain = () if shown is None else (shown.pem,)
        await setting.app({**scope, "extensions": {"tls": {"client_cert_chain": chain}}}, receive, send)

    transport = httpx2.ASGITransport(app=with_tls)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        return await client.get(TRANSACTIONS, headers=headers)


async def test_the_asgi_adapter_takes_the_certificate_of_the_connection_alone(setting: Setting) -> None:
    """Covers: check 105, check 106."""
    bound = token_of(setting.world)
    assert (await through_asgi(setting, MINE, authorization=bound)).status_code == 200
    other = await through_asgi(setting, OTHER, authorization=bound)
    assert (other.status_code, other.json()["reason"]) == (401, "certificate_mismatch")
    without = await through_asgi(setting, None, authorization=bound, **spoofed(MINE))
    assert (without.status_code, without.json()["reason"]) == (401, "certificate_missing")
    assert without.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert len(setting.bank.calls) == 1


@dataclass
class Secured:
    """The whole stack behind an Envoy that ends TLS."""

    stack: Stack
    folder: Path

    async def get(self, shown: Held | None, *extra: tuple[str, str], held: Held = MINE) -> Got:
        context = ssl.create_default_context(cadata=HOSTS.pem)
        if shown is not None:
            context.load_cert_chain(*shown.write(self.folder, f"shown-{shown.x5t[:8]}"))
        opened = await asyncio.open_connection(
            "127.0.0.1", self.stack.proxy.port, ssl=context, server_hostname="localhost"
        )
        headers = (("authorization", token_of(self.stack.world, held)), *extra)
        return await exchange(opened, "GET", TRANSACTIONS, headers, b"")


@pytest_asyncio.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Secured]:
    stack = Stack(tmp_path)
    certificate, key = HOSTS.issue("CN=localhost", dns=["localhost"], purposes=(SERVER,)).write(tmp_path, "host")
    pool = Upstream(Address("127.0.0.1", stack.upstream.port), BOUNDS)
    hop = Hop(pool, stack.pending, stack.verify, stack.flights.report, BOUNDS)
    server = await serve_envoy(Questions(stack.world.gateway, stack.flights, BANK, BASE), stack.decision_path)
    tls = {"certificate": certificate, "key": key}
    async with Service(hop, stack.hop_path), Api(stack), envoy(stack, **tls) as stack.proxy:  # type: ignore[arg-type]
        yield Secured(stack, tmp_path)
    server.close()
    await pool.aclose()
    await stack.world.spool.close()


@pytest.mark.envoy
async def test_envoy_tells_of_the_certificate_and_nobody_else_does(secured: Secured) -> None:
    """Covers: check 105, check 106."""
    assert (await secured.get(MINE)).status == 200
    [call] = secured.stack.bank.calls
    assert b"x-forwarded-client-cert" not in call["headers"]
    mismatch = await secured.get(OTHER)
    assert (mismatch.status, orjson.loads(mismatch.body)["reason"]) == (401, "certificate_mismatch")
    without = await secured.get(None)
    assert (without.status, orjson.loads(without.body)["reason"]) == (401, "certificate_missing")
    for name, value in spoofed(MINE).items():
        for shown in (None, OTHER):
            got = await secured.get(shown, (name, value))
            assert (got.status, orjson.loads(got.body)["reason"]) == (
                401, "certificate_missing" if shown is None else "certificate_mismatch",
            )  # fmt: skip
    # A copy that a client sends with its own, right certificate changes nothing either.
    assert (
        await secured.get(MINE, ("x-forwarded-client-cert", spoofed(OTHER)["x-forwarded-client-cert"]))
    ).status == 200


@pytest.mark.envoy
async def test_an_envoy_without_tls_passes_no_word_about_certificates(tmp_path: Path) -> None:
    """Covers: check 106."""
    stack = Stack(tmp_path)
    server = await serve_envoy(Questions(stack.world.gateway, stack.flights, BANK, BASE), stack.decision_path)
    async with envoy(stack) as stack.proxy:  # type: ignore[arg-type]
        bound = ("authorization", token_of(stack.world))
        for name, value in spoofed(MINE).items():
            got = await stack.ask(TRANSACTIONS, bound, (name, value))
            assert (got.status, orjson.loads(got.body)["reason"]) == (401, "certificate_missing")
    server.close()
    await stack.world.spool.close()
