"""Client certificates that a proxy passes on: each real proxy, its right word, and everything a client may make up."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import uvicorn

from grantline.app.mtls import opened, what_clients_need
from grantline.app.state import WakingWork
from grantline.app.web import serve
from grantline.authorization import oauth_endpoints
from grantline.settings import MtlsSettings
from tests.authorization_world import World, make_world
from tests.certificates_world import Held, authority, made
from tests.flows.app.test_certificate_door import Serving, named, now_us, self_signed
from tests.flows.authorization.raw import REQUEST
from tests.flows.proxies.running import Place, free_port, running

HOSTS, CLIENTS = authority("CN=Hosts"), authority("CN=Clients")
RIGHT, MIDDLE = CLIENTS.issue(), CLIENTS.issue("CN=Middle", ca=True)
OWN = made("CN=own")
NAMES = ("envoy", "nginx", "traefik")


@dataclass
class Behind:
    """The authority's door behind one proxy. `door_port`: its own, past the proxy; 0 for a socket."""

    world: World
    client: Serving
    port: int
    door_port: int

    async def push(self, shown: Held | None, *headers: tuple[str, str], name: str = "shop") -> int:
        return await self._push(self.port, shown, headers, name)

    async def push_past_the_proxy(self, *headers: tuple[str, str], source: str) -> int:
        """Straight to the door, without TLS, from another address of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door_port, local_addr=(source, 0))
        return await _post(reader, writer, headers, "shop")

    async def _push(self, port: int, shown: Held | None, headers: tuple[tuple[str, str], ...], name: str) -> int:
        context = ssl.create_default_context(cadata=HOSTS.pem)
        if shown is not None:
            context.load_cert_chain(*shown.write(self.client.folder, f"shown-{shown.x5t[:8]}"))
        opened_to = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        return await _post(*opened_to, headers, name)


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: tuple[tuple[str, str], ...], name: str
) -> int:
    body = urlencode({**REQUEST, "client_id": name, "redirect_uri": "https://shop.example/cb"}).encode()
    lines = ["POST /par HTTP/1.1", "host: localhost", "connection: close"]
    lines += [f"{key}: {value}" for key, value in headers]
    lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}", "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    head = await reader.read()
    writer.close()
    return int(head.split()[1])


@asynccontextmanager
async def behind(name: str, folder: Path, **settings: Any) -> AsyncIterator[Behind]:
    world = await make_world(folder / "state.db")
    world.clock.us = now_us()
    ca, _ = CLIENTS.write(folder, "clients")
    certificate, key = HOSTS.issue("CN=localhost", dns=["localhost"], purposes=()).write(folder, "host")
    port, door_port = free_port(), free_port()
    at: dict[str, Any] = {"port": door_port, **settings}
    mtls = MtlsSettings(url=f"https://localhost:{port}", client_ca=ca, proxy=name, **at)
    server = replace(world.server, mtls=what_clients_need(mtls))
    door = opened(mtls, server, WakingWork(world.database))  # type: ignore[arg-type]
    assert door is not None
    front = uvicorn.Config(oauth_endpoints(server), port=free_port(), lifespan="off", log_config=None)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(front, door.tasks, ready.set, stop, doors=(door.config,)))
    await asyncio.wait_for(ready.wait(), 20)
    place = Place(folder, port, str(mtls.socket or f"127.0.0.1:{door_port}"), certificate, key)
    try:
        async with running(name, place):
            yield Behind(world, Serving(world, folder), port, door_port)
    finally:
        stop.set()
        await serving
        await world.close()


def words(held: Held) -> dict[str, str]:
    """What each proxy would say of this certificate."""
    return {
        "envoy": f'Cert="{quote(held.pem, safe="")}"',
        "nginx": quote(held.pem, safe=""),
        "traefik": base64.b64encode(held.der).decode(),
    }


HEADERS = {
    "envoy": "X-Forwarded-Client-Cert", "nginx": "X-SSL-Client-Cert", "traefik": "X-Forwarded-Tls-Client-Cert",
}  # fmt: skip


@pytest.mark.envoy
@pytest.mark.parametrize("name", NAMES)
async def test_what_the_proxy_saw_counts_and_nothing_that_a_client_writes(name: str, tmp_path: Path) -> None:
    """Covers: check 106, check 107."""
    async with behind(name, tmp_path) as place:
        await place.world.register(named())
        assert await place.push(RIGHT) == 201
        assert await place.push(CLIENTS.issue("CN=other,O=Example")) == 401
        assert await place.push(authority("CN=Clients").issue()) == 401
        assert await place.push(None) == 401
        forged = [(header, words(RIGHT)[kind]) for kind, header in HEADERS.items()]
        for header in [*forged, *((key.lower(), value) for key, value in forged)]:
            assert await place.push(None, header) == 401
            assert await place.push(OWN, header) == 401
            assert await place.push(RIGHT, header) == 201
        assert await place.push(None, *forged) == 401
        # Twice the same header, and the spelling that some frameworks take for it.
        own = HEADERS[name], words(RIGHT)[name]
        assert await place.push(None, own, own) in {400, 401}
        assert await place.push(None, (own[0].replace("-", "_"), own[1])) in {400, 401}
        # Past the proxy, from where it does not call.
        assert await place.push_past_the_proxy(own, source="127.0.0.2") == 401
        assert await place.push_past_the_proxy(own, source="127.0.0.1") == 201


@pytest.mark.envoy
@pytest.mark.parametrize("name", NAMES)
async def test_a_certificate_that_nobody_vouches_for_passes_to_whom_it_is_registered(name: str, tmp_path: Path) -> None:
    """Covers: check 107."""
    async with behind(name, tmp_path) as place:
        await place.world.register(self_signed(OWN))
        assert await place.push(OWN) == 201
        assert await place.push(made("CN=own")) == 401
        assert await place.push(RIGHT) == 401


@pytest.mark.envoy
@pytest.mark.parametrize(("name", "passes_it_on"), [("envoy", True), ("traefik", True), ("nginx", False)])
async def test_an_intermediate_helps_where_the_proxy_passes_it_on(
    name: str, passes_it_on: bool, tmp_path: Path
) -> None:
    async with behind(name, tmp_path) as place:
        await place.world.register(named())
        assert await place.push(MIDDLE.issue()) == (201 if passes_it_on else 401)


async def test_a_socket_of_the_proxy_is_open_to_its_group_alone(tmp_path: Path) -> None:
    """Covers: check 106."""
    path = tmp_path / "door.sock"
    async with behind("nginx", tmp_path, port=None, socket=path) as place:
        assert os.stat(path).st_mode & 0o777 == 0o660
        await place.world.register(named())
        assert await place.push(RIGHT) == 201
        assert await place.push(None) == 401
        assert await place.push(None, (HEADERS["nginx"], words(RIGHT)["nginx"])) == 401
