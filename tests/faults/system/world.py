"""A whole instance with its people, one client and one API, as processes that a test may kill, stop and starve."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from grantline.app.own_secrets import ask_ledger
from grantline.app.setup import admit
from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.cli.serve import plan, prepare
from grantline.cli.supervisor import Child, Patience, Supervisor
from grantline.crypto.es256 import SigningKey
from grantline.ledger.client import LedgerClient
from grantline.sdk.client import Calls, Client, Prover
from tests.faults.system.api import GATEWAY
from tests.faults.system.people import NoAnswer, Person, until

ROOT = Path(__file__).parents[3]
CALLBACK = "https://app.example/callback"
PASSWORD = "correct horse battery"
SCOPE = "calendar.events"
# A test kills more often than a service may die.
PATIENCE = Patience(ready=60, stop=10, first_restart=0.05, longest_restart=0.05, deaths=1_000)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass
class World:
    """One instance in `data`. `settings`: further lines of the configuration."""

    folder: Path
    data: Path
    settings: str = ""
    port: int = field(default_factory=free_port)
    api_port: int = field(default_factory=free_port)
    supervisor: Supervisor | None = None
    said: list[str] = field(default_factory=list)
    authority_at: str | None = None
    api_environment: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "grantline.toml"

    async def make(self) -> None:
        """Files, keys, people, the client, and the gateway's right to enrol."""
        self.config.write_text(f'[server]\nport = {self.port}\nissuer = "{self.issuer}"\n{self.settings}\n')
        (self.folder / "password").write_text(PASSWORD)
        os.chmod(self.folder / "password", 0o600)
        declared = self.folder / "world.toml"
        declared.write_text(_declared())
        await apply_to(self.data, read_declaration(declared))
        os.chmod(self.data, 0o700)
        prepare(self.data)
        await admit(self.data, (GATEWAY,))

    def children(self) -> list[Child]:
        environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        log = self.folder / "children.log"
        served = [Child(one.name, one.command, environment, log=log) for one in plan(self.data, self.config, ())]
        at = self.authority_at or f"http://127.0.0.1:{self.port}"
        api = (sys.executable, "-m", "tests.faults.system.api", self.data, self.config, self.api_port, at)
        return [*served, Child("api", tuple(map(str, api)), environment | self.api_environment, log=log)]

    def signal(self, name: str, number: int) -> None:
        assert self.supervisor is not None
        os.kill(self.supervisor.pid(name), number)

    def starts(self, name: str) -> int:
        return sum(line.startswith(f"{name} is running") for line in self.said)

    async def person(self, name: str = "ada") -> Person:
        person = Person(f"http://localhost:{self.port}", name, PASSWORD)
        await until(lambda: person.get("/sign-in"))
        await person.sign_in()
        return person

    def app(self) -> "App":
        return App(self)

    def ledger(self) -> LedgerClient:
        """Asks as the authority does."""
        return ask_ledger(self.data)


class App:
    """The client's side: one key, one server, one API."""

    def __init__(self, world: World) -> None:
        self.http = httpx2.AsyncClient(trust_env=False, timeout=15)
        prover = Prover("budget", SigningKey.generate())
        self.client = Client(self.http, world.issuer, prover, CALLBACK)
        self._calls = Calls(self.http, prover)
        since = (datetime.now(UTC).date() - timedelta(days=7)).isoformat()
        self._url = f"http://127.0.0.1:{world.api_port}/events?since={since}&fields=start,end"

    async def call(self, token: str, more: str = "") -> httpx2.Response:
        """One call to the API; raises `NoAnswer`."""
        try:
            return await self._calls.send("GET", self._url + more, token)
        except httpx2.TransportError as error:
            raise NoAnswer(repr(error)) from error

    async def connect(self, person: Person) -> "Connected":
        """The whole way from asking to tokens."""
        begun = await self.client.begin(scope=SCOPE, prompt="consent")
        page = await person.open(begun.url)
        allowed = await person.allow(page, await person.answer(page))
        tokens = await self.client.finish(begun, allowed.headers["location"])
        assert tokens.refresh_token is not None
        return Connected(tokens.grant_id, tokens.access_token, tokens.refresh_token)

    async def close(self) -> None:
        await self.http.aclose()


def evaluation_of(answer: httpx2.Response) -> str:
    """Under which name the call stands in the record."""
    name: str = answer.json()["events"][0]["end"]
    return name


@dataclass
class Connected:
    """What the client holds of one consent."""

    consent: str
    access: str
    refresh: str


def _declared() -> str:
    person = '\n[[people]]\nusername = "{0}"\nname = "{0}"\nroles = []\nresource_names = {{ calendar = "{0}" }}\n'
    password = 'password = { file = "password" }\n'
    return f"""catalog = "{ROOT / "demo" / "catalog.toml"}"

[[clients]]
id = "budget"
name = "Budget"
publisher = "Budget Ltd"
web = "https://app.example"
redirect_uris = ["{CALLBACK}"]
grants = ["authorization_code", "refresh_token"]
scopes = ["{SCOPE}"]
""" + "".join(person.format(name) + password for name in ("ada", "ben"))


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The instance under the real supervisor."""
    supervisor = world.supervisor = Supervisor(world.children(), world.said.append, PATIENCE)
    started = asyncio.Event()
    task = asyncio.create_task(supervisor.run(started.set))
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        assert started.is_set(), (world.said, (world.folder / "children.log").read_text()[-2_000:])
        yield world
    finally:
        waiting.cancel()
        supervisor.stop()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def small_disks(*places: Path, size: str = "24m") -> Iterator[None]:
    """Small file systems of their own at these places."""
    mounted: list[Path] = []
    try:
        for place in places:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(place)], check=True)
            mounted.append(place)
        yield
    finally:
        for place in mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)
