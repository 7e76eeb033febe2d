"""A whole instance whose state is in PostgreSQL, by the commands an operator types: it outlives its server."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

import httpx2
import pytest

from grantline.app.places import Places
from grantline.model.ids import ApiId
from grantline.sdk.client import AccessRefused, Calls
from grantline.storage.migrations.run import HEADS
from grantline.storage.postgres.connection import Address, connect
from tests.flows.house.test_apply import CATALOG_FILE
from tests.flows.house.test_serving import free_port
from tests.postgres_server import GUARDED, PostgresServer
from tests.whole_world import CALLBACK, Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
BASE = "http://calendar.test"
PATIENCE_S = 60.0
DECLARED = f"""
catalog = "catalog.toml"

[[clients]]
id = "budget"
name = "Budget"
publisher = "Budget Ltd"
web = "https://budget.example"
redirect_uris = ["{CALLBACK}"]
grants = ["authorization_code", "refresh_token"]
scopes = ["calendar.events"]

[[people]]
username = "holder"
name = "Account Holder"
password = {{ file = "password" }}
resource_names = {{ calendar = "holder" }}
"""
SETTINGS = """
[server]
port = {port}

[storage]
url = "{url}"
password_file = "{secret}"

[[fronts]]
api = "calendar"
gateway = "calendar"
base = "http://calendar.test"
upstream = "http://127.0.0.1:9"
"""


class Instance:
    """One data directory, its settings and its declaration; `serve` runs it as `grantline serve`."""

    def __init__(self, folder: Path, address: Address, password: str) -> None:
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        self.base = f"http://localhost:{self.port}"
        folder.mkdir(mode=0o700)
        (folder / "catalog.toml").write_bytes(CATALOG_FILE.read_bytes())
        (folder / "instance.toml").write_text(DECLARED)
        (folder / "ports.json").write_text(json.dumps({"authority": self.port, "bank_gateway": 9, "calendar": 9}))
        (folder / "accounts.json").write_text(json.dumps({"holder": "a long enough password"}))
        (folder / "password").write_text("a long enough password")
        (folder / "db.password").write_text(password)
        (folder / "settings.toml").write_text(
            SETTINGS.format(port=self.port, url=address.url, secret=folder / "db.password")
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """One command of the program, to its end."""
        return subprocess.run(self._command(*arguments), capture_output=True, text=True, check=False, timeout=60)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[WholeWorld]:
        """`grantline serve` with the gateway of the calendar, stopped by a signal in the end."""
        command = self._command("serve", "--gateway", "calendar")
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=self.folder)  # noqa: ASYNC220
        assert process.stderr is not None
        try:
            said = await asyncio.to_thread(_until_serving, process.stderr)
            assert "Serving as" in said[-1], said
            reading = asyncio.create_task(asyncio.to_thread(process.stderr.read))
            yield WholeWorld(self.folder, process)
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.wait, 60)
        assert "starting it again" not in await reading
        assert process.returncode == 0

    def _command(self, *arguments: str) -> list[str]:
        places = ("--data", str(self.data), "--config", str(self.folder / "settings.toml"))
        return [sys.executable, "-m", "grantline", *arguments, *places]


def _until_serving(lines: TextIO) -> list[str]:
    """What it says until it serves, or until it ends."""
    said = []
    for line in lines:
        said.append(line)
        if "Serving as" in line:
            break
    return said


class Gateway:
    """The calendar's gateway, asked as its proxy asks it."""

    def __init__(self, data: Path, app: Connected) -> None:
        socket = str(Places(data).decision_socket(ApiId("calendar")))
        self._http = httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=socket))
        self._calls, self._app = Calls(self._http, app.prover), app

    async def says(self) -> str:
        """`allowed`, or the reason of the refusal."""
        token = self._app.tokens.access_token
        try:
            answer = await self._calls.send("GET", f"{BASE}/events", token)
        except httpx2.TransportError:
            return "away"
        return "allowed" if answer.status_code == 200 else str(answer.json()["reason"])

    async def comes_to(self, wanted: str) -> None:
        said = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (said := await self.says()) != wanted:  # noqa: ASYNC110 - another process's doing
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"it says {said} and never {wanted}")
        await self._http.aclose()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what processes of their own come to."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.05)


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
async def here(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Instance]:
    """Over an empty database of a role that owns it and nothing else, and has to know its password."""
    # The processes give up root's powers, and the server's socket is in a directory of another user.
    postgres_server.directory.chmod(0o711)
    address = await postgres_server.guarded()
    yield Instance(tmp_path / "i", address, GUARDED)
    await postgres_server.drop(address)


async def test_it_outlives_its_server(
    here: Instance, postgres_server: PostgresServer, http: httpx2.AsyncClient
) -> None:
    """Covers: line 13. A whole instance: apply, serve, sign in, agree, call; restart; lose the server; stop the app."""
    applied = here.run("apply", "-f", str(here.folder / "instance.toml"))
    assert applied.returncode == 0, applied.stderr
    async with here.served() as world:
        app = await world.connect(http, "budget", scope="calendar.events")
        await Gateway(here.data, app).comes_to("allowed")
    async with here.served() as world:
        await Gateway(here.data, app).comes_to("allowed")
        await _outlives_an_outage(here, app, postgres_server, http)
        # The connection that the outage cut may hold a lease until its time is over: it is waited for too.
        page = await world.stop(app)
        assert re.search(r"Stopped at (\d) of \1 gateways? in", page), page
        assert await Gateway(here.data, app).says() == "grant_withdrawn"
        with pytest.raises(AccessRefused, match="invalid_grant"):
            await app.client.refresh(str(app.tokens.refresh_token))
    assert not Places(here.data).state.exists()


async def _outlives_an_outage(here: Instance, app: Connected, server: PostgresServer, http: httpx2.AsyncClient) -> None:
    """Apps and people are told to come again, gateways deny when the lease is over, and nobody has to do anything."""
    server.stop()
    try:
        with pytest.raises(AccessRefused) as told:
            await app.client.refresh(str(app.tokens.refresh_token))
        assert (told.value.status, told.value.code) == (503, "temporarily_unavailable")
        page = await app.browser.get(f"{here.base}/connections")
        assert page.status_code == 503
        assert "text/html" in page.headers["content-type"]
        await Gateway(here.data, app).comes_to("feed_stale")
    finally:
        server.start()
    await Gateway(here.data, app).comes_to("allowed")
    app.tokens = await app.client.refresh(str(app.tokens.refresh_token))
    assert (await app.browser.get(f"{here.base}/connections")).status_code == 200


async def test_a_database_that_cannot_be_used_is_told_in_one_line_and_nothing_is_served(
    here: Instance, postgres_server: PostgresServer
) -> None:
    """A wrong password, a newer release, no server: each by its name, and each before a process is started."""
    apply = ("apply", "-f", str(here.folder / "instance.toml"))
    assert here.run(*apply).returncode == 0
    (here.folder / "db.password").write_text("wrong")
    _refused(here, "cannot be used: password authentication failed")
    (here.folder / "db.password").write_text(GUARDED)
    address = Address(json.loads((here.data / "authority" / "database.json").read_text())["url"])
    await _stamp(postgres_server, address, "9999")
    _refused(here, "written by a newer release")
    await _stamp(postgres_server, address, HEADS["state"])
    postgres_server.stop()
    try:
        _refused(here, "does not answer")
    finally:
        postgres_server.start()


def _refused(here: Instance, why: str) -> None:
    done = here.run("serve")
    assert done.returncode == 1
    assert done.stderr.startswith("grantline: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert "a long" not in done.stderr
    assert GUARDED not in done.stderr


async def _stamp(server: PostgresServer, address: Address, number: str) -> None:
    connection = await connect(server.as_admin(address), "migrating")
    await connection.execute(f"UPDATE alembic_version SET version_num = '{number}'")
    await connection.close()


async def test_an_authority_by_itself_waits_for_its_database_and_still_stops_when_told(
    here: Instance, postgres_server: PostgresServer, http: httpx2.AsyncClient
) -> None:
    """A service manager may start both at once; ending would bring the server no sooner."""
    assert here.run("apply", "-f", str(here.folder / "instance.toml")).returncode == 0
    log = here.data / "log" / "authority.log"

    async def waits() -> bool:
        return log.exists() and "state_does_not_answer" in log.read_text()

    async def serves() -> bool:
        try:
            return (await http.get(f"{here.base}/.well-known/oauth-authorization-server")).status_code == 200
        except httpx2.TransportError:
            return False

    postgres_server.stop()
    try:
        stopped, waiting = _alone(here), None
        await until(waits)
        stopped.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(stopped.wait, 10) == 0
        waiting = _alone(here)
        log.unlink()
        await until(waits)
    finally:
        postgres_server.start()
    try:
        await until(serves)
    finally:
        waiting.terminate()
        assert await asyncio.to_thread(waiting.wait, 20) == 0


def _alone(here: Instance) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(here._command("serve", "--role", "authority"), env={**os.environ})
