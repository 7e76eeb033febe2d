"""The door for clients with certificates, over real TLS: its own listener beside the front door's."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import orjson
import pytest

from grantline.app.mtls import opened, what_clients_need
from grantline.app.state import WakingWork
from grantline.app.tls import server_context
from grantline.app.web import serve
from grantline.authorization import oauth_endpoints
from grantline.parties import Client, Standing, upsert
from grantline.settings import MtlsSettings
from tests.authorization_world import World, make_world
from tests.certificates_world import Held, authority, made
from tests.flows.authorization.raw import REQUEST
from tests.flows.authorization.test_certificate_clients import client, jwk_of

HOSTS = authority("CN=Hosts")
CLIENTS = authority("CN=Clients")
DOMAIN = authority("CN=example.org")
SPIFFE = "spiffe://example.org/app"


class Answer(msgspec.Struct):
    status: int
    body: dict[str, Any]
    head: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """One server with its two listeners, as the authority process composes them."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.port, self.front = free_port(), free_port()
        certificate, key = HOSTS.issue("CN=localhost", dns=["localhost"], purposes=()).write(folder, "host")
        ca, _ = CLIENTS.write(folder, "clients")
        bundle, _ = DOMAIN.write(folder, "domain")
        self.hosts = HOSTS.pem
        self.identity = certificate, key
        self.settings = MtlsSettings(
            port=self.port, certificate=certificate, key=key, client_ca=ca, trust_domains=(f"example.org={bundle}",)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Serving"]:
        import uvicorn

        world = self.world
        world.clock.us = now_us()
        server = replace(world.server, mtls=what_clients_need(self.settings))
        work = WakingWork(world.database)  # type: ignore[arg-type]
        door = opened(self.settings, server, work)
        assert door is not None
        self.work = work
        front = uvicorn.Config(
            oauth_endpoints(server), port=self.front, loop="uvloop", lifespan="off", log_config=None,
            ssl_context_factory=lambda _config, _default: server_context(*self.identity),
        )  # fmt: skip
        ready, stop = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(serve(front, door.tasks, ready.set, stop, doors=(door.config,)))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        try:
            yield self
        finally:
            stop.set()
            await running

    def context(self, shown: Held | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.hosts)
        if shown is not None:
            certificate, key = shown.write(self.folder, f"shown-{shown.x5t[:8]}")
            context.load_cert_chain(certificate, key)
        return context

    async def ask(
        self, path: str, form: dict[str, Any] | None, shown: Held | None, port: int | None = None, **headers: str
    ) -> Answer:
        """One request on a connection of its own; `ConnectionError` where TLS refuses the certificate."""
        context = self.context(shown)
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port or self.port, ssl=context, server_hostname="localhost"
            )
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from error
        body = urlencode({k: v for k, v in (form or {}).items() if v is not None}).encode()
        lines = [f"{'POST' if form else 'GET'} {path} HTTP/1.1", "host: localhost", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}", "", ""]
        try:
            writer.write("\r\n".join(lines).encode() + body)
            whole = await reader.read()
        except ssl.SSLError as error:
            raise ConnectionError(str(error)) from error
        finally:
            writer.close()
        if not whole:
            raise ConnectionError("closed")
        head, _, content = whole.partition(b"\r\n\r\n")
        return Answer(int(head.split()[1]), orjson.loads(content) if content else {}, head.decode())

    async def push(self, shown: Held | None, port: int | None = None, **headers: str) -> int:
        form = {**REQUEST, "client_id": "shop", "redirect_uri": "https://shop.example/cb"}
        return (await self.ask("/par", form, shown, port, **headers)).status


def now_us() -> int:
    import time

    return time.time_ns() // 1_000


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    world = await make_world(tmp_path / "state.db")
    async with Serving(world, tmp_path).running() as made_one:
        yield made_one
    await world.close()


def named() -> Client:
    return client(auth="tls_client_auth", certificate={"subject_dn": "CN=app,O=Example"})


async def test_a_certificate_of_an_authority_is_taken_also_through_an_intermediate(serving: Serving) -> None:
    """Covers: check 107."""
    await serving.world.register(named())
    middle = CLIENTS.issue("CN=Middle", ca=True)
    assert await serving.push(CLIENTS.issue()) == 201
    assert await serving.push(middle.issue()) == 201
    assert await serving.push(CLIENTS.issue("CN=other,O=Example")) == 401
    assert await serving.push(None) == 401
    with pytest.raises(ConnectionError):
        await serving.push(authority("CN=Clients").issue())


async def test_a_workload_is_taken(serving: Serving) -> None:
    await serving.world.register(client(auth="spiffe_x509", spiffe_id=SPIFFE))
    assert await serving.push(DOMAIN.issue("O=SPIRE", uris=[SPIFFE])) == 201
    assert await serving.push(CLIENTS.issue("O=SPIRE", uris=[SPIFFE])) == 401


async def eventually(serving: Serving, shown: Held, expected: int | None) -> None:
    """The listener has heard of a change: within a second or so, but a slow machine gets longer."""
    for _ in range(100):
        try:
            got: int | None = await serving.push(shown)
        except ConnectionError:
            got = None
        if got == expected:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"never {expected}")


OWN, SAME_NAME = made("CN=own"), made("CN=own")


def self_signed(*held: Held, **more: Any) -> Client:
    return client(auth="self_signed_tls_client_auth", jwks=[jwk_of(one, with_certificate=True) for one in held], **more)


async def test_a_certificate_registered_while_it_serves_is_let_in_and_a_removed_one_no_more(serving: Serving) -> None:
    """Covers: check 107."""
    with pytest.raises(ConnectionError):
        await serving.push(OWN)
    # Another process wrote it: nobody wakes this one.
    await serving.world.register(self_signed(OWN))
    await eventually(serving, OWN, 201)
    with pytest.raises(ConnectionError):
        await serving.push(SAME_NAME)
    changed = self_signed(SAME_NAME)
    clock, randomness = serving.world.clock, serving.world.server.randomness
    await serving.work.write(lambda tx: upsert(tx, changed, clock, randomness))
    await eventually(serving, SAME_NAME, 201)
    await eventually(serving, OWN, None)
    await serving.world.register(msgspec.structs.replace(changed, status=Standing.DISABLED))
    await eventually(serving, SAME_NAME, None)


async def test_a_registered_certificate_is_no_authority_for_others(serving: Serving) -> None:
    """Covers: check 107."""
    self_made = made("CN=own", ca=True)
    other = msgspec.structs.replace(named(), id="other")
    await serving.world.register(self_signed(self_made), other)
    await eventually(serving, self_made, 201)
    form = {**REQUEST, "client_id": "other", "redirect_uri": "https://shop.example/cb"}
    forged = self_made.issue("CN=app,O=Example")
    # TLS lets it in, for it comes from a certificate that is known. Who reads it does not.
    assert (await serving.ask("/par", form, forged)).status == 401
    assert (await serving.ask("/par", form, CLIENTS.issue())).status == 201


async def test_the_front_door_never_asks_for_a_certificate_and_believes_no_header(serving: Serving) -> None:
    """Covers: check 106."""
    await serving.world.register(named())
    right = CLIENTS.issue()
    assert await serving.push(right, serving.front) == 401
    encoded = base64.b64encode(right.der).decode()
    headers = {
        "x-forwarded-client-cert": f'Cert="{urlencode({"": right.pem})[1:]}"',
        "x-ssl-client-cert": urlencode({"": right.pem})[1:],
        "x-forwarded-tls-client-cert": encoded,
    }
    for name, value in headers.items():
        assert await serving.push(None, serving.front, **{name: value}) == 401
        assert await serving.push(None, **{name: value}) == 401
    asked = await asyncio.to_thread(_asked_for_certificate, serving, serving.front)
    assert not asked
    assert await asyncio.to_thread(_asked_for_certificate, serving, serving.port)


def _asked_for_certificate(serving: Serving, port: int) -> bool:
    """Whether the server's handshake has a CertificateRequest, as a TLS 1.2 client sees it in the clear."""
    seen: list[Any] = []
    context = serving.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context._msg_callback = lambda *said: seen.append(said[4])  # type: ignore[attr-defined]
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw, server_hostname="localhost"):
        return any(getattr(one, "name", "") == "CERTIFICATE_REQUEST" for one in seen)


async def test_a_bound_token_over_real_tls(serving: Serving) -> None:
    """Covers: check 105."""
    from grantline.sdk.client import Begun
    from tests.authorization_world import query_of
    from tests.flows.authorization.raw import VERIFIER, claims_of

    world = serving.world
    shown = CLIENTS.issue()
    await world.register(
        client(auth="tls_client_auth", certificate={"subject_dn": "CN=app,O=Example"}, certificate_bound=True)
    )
    form = {**REQUEST, "client_id": "shop", "redirect_uri": "https://shop.example/cb"}
    pushed = await serving.ask("/par", form, shown)
    begun = f"/authorize?{urlencode({'client_id': 'shop', 'request_uri': pushed.body['request_uri']})}"
    code = query_of(await world.allow(Begun(begun, "", "", "")))["code"]
    redeem = {
        "grant_type": "authorization_code", "client_id": "shop", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": "https://shop.example/cb",
    }  # fmt: skip
    got = await serving.ask("/token", redeem, shown)
    assert claims_of(got.body["access_token"])["cnf"] == {"x5t#S256": shown.x5t}


GOOD = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
}  # fmt: skip


def _shake(serving: Serving, port: int, version: ssl.TLSVersion, ciphers: str) -> str | None:
    """The cipher that was agreed, or None if the server refused."""
    context = serving.context()
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            agreed = tls.cipher()
            return agreed[0] if agreed else None
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.parametrize("listener", ["front", "port"])
async def test_tls_begins_at_1_2_with_good_ciphers_alone(serving: Serving, listener: str) -> None:
    """Covers: check 168."""
    port = getattr(serving, listener)

    def agreed(version: ssl.TLSVersion, ciphers: str = "ALL") -> Any:
        return asyncio.to_thread(_shake, serving, port, version, ciphers)

    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert await agreed(old) is None
    assert await agreed(ssl.TLSVersion.TLSv1_2) in GOOD
    assert await agreed(ssl.TLSVersion.TLSv1_3) is not None
    everything = {one["name"] for one in _every_cipher() if one["protocol"] != "TLSv1.3"}
    assert len(everything) > 20
    # The key is of a curve, so only two of the four can be agreed on here.
    takes = {name for name in everything if await agreed(ssl.TLSVersion.TLSv1_2, name) is not None}
    assert takes == {name for name in GOOD if "ECDSA" in name}


def _every_cipher() -> list[dict[str, Any]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context.get_ciphers()  # type: ignore[return-value]


async def test_whoever_is_called_by_https_says_so_to_browsers(serving: Serving) -> None:
    """Covers: check 168."""
    from grantline.app.authority import server_config
    from grantline.settings import ServerSettings, Settings

    told = (await serving.ask("/jwks", None, None)).head
    assert "strict-transport-security: max-age=31536000" in told
    for issuer, says in (("https://id.example", True), ("http://localhost:8400", False), (None, False)):
        config = server_config(serving, Settings(server=ServerSettings(issuer=issuer)))  # type: ignore[arg-type]
        assert bool(config.headers) is says
