"""Two whole authority processes over one state: one keeps the feed, both serve, and the other one takes over."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosedError

from grantline.app.setup import admit
from grantline.app.state import open_state
from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.cli.serve import prepare
from grantline.crypto.custody.file import read_private
from grantline.crypto.es256 import SigningKey
from grantline.gateway.authority_client import AuthorityClient
from grantline.gateway.follower import Connection
from grantline.gateway.following import Following
from grantline.gateway.standing import Standing
from grantline.model.clock import SystemClock
from grantline.model.feed import FEED_PATH
from grantline.model.ids import GatewayId
from grantline.model.reasons import Reason
from grantline.storage.postgres.connection import Address, connect
from grantline.storage.postgres.leading import LEADER
from grantline.storage.settings import StorageSettings
from tests.feed_world import claims
from tests.flows.house.test_apply import written
from tests.flows.house.test_serving import DISCOVERY, free_port
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.timeout(180)
BANK = GatewayId("bank")
ISSUER = "https://authority.example"
TAKEN_OVER_S = 10.0


@dataclass
class Process:
    """One `grantline serve --role authority`."""

    port: int
    running: asyncio.subprocess.Process

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answers(self, http: httpx2.AsyncClient) -> bool:
        try:
            return (await http.get(self.base + DISCOVERY)).json()["issuer"] == ISSUER
        except httpx2.TransportError:
            assert self.running.returncode is None
            return False

    async def keeps(self, http: httpx2.AsyncClient) -> bool:
        """As a load balancer asks: 426 where the feed is kept, 503 where it is not."""
        status = (await http.get(self.base + FEED_PATH)).status_code
        assert status in {426, 503}
        return status == 426

    async def kill(self) -> None:
        self.running.kill()
        await self.running.wait()


@dataclass
class Pair:
    """Both processes over `data`, and where a gateway finds them."""

    data: Path
    http: httpx2.AsyncClient
    environment: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    async def start(self) -> Process:
        port = free_port()
        command = (sys.executable, "-m", "grantline", "serve", "--data", str(self.data), "--role", "authority")
        running = await asyncio.create_subprocess_exec(
            *command, env={**self.environment, "GRANTLINE_SERVER__PORT": str(port)}, stdout=subprocess.DEVNULL
        )
        process = Process(port, running)
        self.processes.append(process)
        async with asyncio.timeout(60):
            while not await process.answers(self.http):  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.05)
        return process

    async def keepers(self) -> list[Process]:
        return [one for one in self.processes if one.running.returncode is None and await one.keeps(self.http)]


class Gateway:
    """The follower's own code, at an address that leads to either process in turn, as a load balancer does."""

    def __init__(self, pair: Pair, key: SigningKey) -> None:
        clock = SystemClock()
        self.standing = Standing(clock)
        self.refusals: list[int] = []
        self._following = Following(boot="boot-1", clock=clock, workers=[self.standing])
        self.clients = [
            AuthorityClient(ISSUER, BANK, key, clock, secrets.token_bytes, base_url=one.base) for one in pair.processes
        ]

    @property
    def sessions(self) -> int:
        return self._following.sessions

    @property
    def stands(self) -> bool:
        return self.standing.check(claims("none")) is not Reason.FEED_STALE

    async def wait(self, stands: bool) -> None:
        async with asyncio.timeout(TAKEN_OVER_S):
            while self.stands is not stands:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def live(self) -> None:
        while True:
            for client in self.clients:
                try:
                    async with client.feed() as connection:
                        await self._follow(connection)
                except ConnectionClosedError as closed:
                    if closed.rcvd is not None:
                        self.refusals.append(closed.rcvd.code)
                except Exception:  # Nobody listens there any more.
                    await asyncio.sleep(0.05)

    async def _follow(self, connection: Connection) -> None:
        await connection.send(self._following.hello())
        asked = asyncio.create_task(self._ask(connection))
        try:
            while True:
                self._following.receive(await connection.receive())
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    async def _ask(self, connection: Connection) -> None:
        while True:
            await connection.send(self._following.ping())
            await asyncio.sleep(0.2)


@asynccontextmanager
async def served(tmp_path: Path, url: str | None) -> AsyncIterator[tuple[Pair, Gateway]]:
    """Two processes, started one after the other, and a gateway that was enrolled at the one that does not lead."""
    data = tmp_path / "data"
    environment = {**os.environ, "GRANTLINE_SERVER__ISSUER": ISSUER}
    if url is not None:
        environment["GRANTLINE_STORAGE__URL"] = url
        async with open_state(data, create=True, storage=StorageSettings(url)):
            pass
    await apply_to(data, read_declaration(written(tmp_path)))
    data.chmod(0o700)
    prepare(data)
    await admit(data, (BANK,))
    async with httpx2.AsyncClient(trust_env=False) as http:
        pair = Pair(data, http, environment)
        try:
            await pair.start()
            await pair.start()
            gateway = Gateway(pair, SigningKey.generate())
            await gateway.clients[1].enrol(read_private(data / "gateways" / BANK / "enrolment-token").decode().strip())
            living = asyncio.create_task(gateway.live())
            try:
                yield pair, gateway
            finally:
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)
                for client in gateway.clients:
                    await client.close()
        finally:
            for process in pair.processes:
                if process.running.returncode is None:
                    await process.kill()


async def take_turns(pair: Pair, gateway: Gateway) -> None:
    """One keeps the feed until it dies; then the other one does, and the first stands in line when it is back."""
    first, second = pair.processes
    await gateway.wait(stands=True)
    for _ in range(20):
        assert await pair.keepers() == [first]
        await asyncio.sleep(0.05)
    assert await gateway.clients[1].bundle(), "what gateways only read is served by both"
    before = gateway.sessions
    await first.kill()
    async with asyncio.timeout(TAKEN_OVER_S):
        while await pair.keepers() != [second] or gateway.sessions == before:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await gateway.wait(stands=True)
    back = await pair.start()
    assert await pair.keepers() == [second]
    assert await back.answers(pair.http)
    assert all(code == 1013 for code in gateway.refusals), gateway.refusals


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str | None:
    if request.param == "sqlite":
        return None
    # The processes give up root's powers, and the server's socket is in a directory of another user.
    request.getfixturevalue("postgres_server").directory.chmod(0o711)
    return str(request.getfixturevalue("postgres").url)


async def test_one_of_two_keeps_the_feed_and_the_other_takes_over_when_it_dies(tmp_path: Path, url: str | None) -> None:
    async with served(tmp_path, url) as (pair, gateway):
        await take_turns(pair, gateway)


async def test_a_leader_that_loses_its_lock_stops_at_once_and_serves_on(
    tmp_path: Path, postgres_server: PostgresServer, postgres: Address
) -> None:
    """Its connection to the database is cut, which the server alone knows at first."""
    postgres_server.directory.chmod(0o711)
    async with served(tmp_path, postgres.url) as (pair, gateway):
        await gateway.wait(stands=True)
        before = gateway.sessions
        connection = await connect(postgres, "migrating")
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1"
        assert await connection.fetchval(cut, LEADER & 0xFFFFFFFF) == 1
        await connection.close()
        async with asyncio.timeout(TAKEN_OVER_S):
            while gateway.sessions == before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await gateway.wait(stands=True)
        assert len(await pair.keepers()) == 1
        assert [await one.answers(pair.http) for one in pair.processes] == [True, True]
