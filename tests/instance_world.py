"""A whole authority as `app.authority` composes it, in this process: endpoints, pages and their state, no network."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from grantline.app.authority import Authority, authority
from grantline.app.database import choose
from grantline.app.places import Places
from grantline.app.setup import prepare
from grantline.app.state import State, open_state
from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Begun, Client, Prover
from grantline.settings import Settings
from grantline.storage.postgres.connection import Address
from grantline.storage.settings import StorageSettings
from tests.authorization_world import HandClock

ISSUER = "http://localhost:9000"
BACK = "https://budget.example/back"
PASSWORD = "a long enough password"
CATALOG = Path(__file__).parents[1] / "demo" / "catalog.toml"
DECLARED = f"""
catalog = "catalog.toml"

[[clients]]
id = "budget"
name = "Budget"
publisher = "Budget Ltd"
web = "https://budget.example"
redirect_uris = ["{BACK}"]
grants = ["authorization_code", "refresh_token"]
scopes = ["calendar.events", "calendar.times", "openid"]
details = ["calendar_data"]
"""
SECOND_SCOPE = """
[scopes."calendar.times"]
api = "calendar"
data = "events"
actions = ["read"]
purpose = "budgeting"
required = ["start", "end"]
"""
PERSON = """
[[people]]
username = "{name}"
name = "{name} Example"
password = {{ file = "password" }}
resource_names = {{ calendar = "holder" }}
"""


@dataclass
class Instance:
    """The composed authority over its own data directory. `clock`: the world's."""

    data: Path
    composed: Authority
    state: State
    clock: HandClock

    def visitor(self) -> "Visitor":
        """A browser of its own, with nothing in it."""
        return Visitor(self)

    def app(self, key: SigningKey | None = None) -> Client:
        """The declared client, with a key of its own."""
        prover = Prover("budget", key or SigningKey.generate(), None, self.clock, self.composed.server.randomness)
        return Client(self.visitor().http, ISSUER, prover, BACK)

    async def reload(self) -> None:
        """Let the authority look at its catalog and policy, as it does each second."""
        await self.composed.rules.look()

    async def change_catalog(self, change: "list[tuple[str, str]]") -> None:
        """Replace these texts in the catalog and have it read."""
        place = Places(self.data).catalog
        text = place.read_text()
        for old, new in change:
            assert re.search(old, text, re.DOTALL | re.MULTILINE), old
            text = re.sub(old, new, text, flags=re.DOTALL | re.MULTILINE)
        place.write_text(text)
        await self.reload()


class Visitor:
    """A browser without scripts: follows what it is told to, fills in forms as they stand."""

    def __init__(self, instance: Instance) -> None:
        transport = httpx2.ASGITransport(app=instance.composed.app, client=("127.0.0.1", 1))
        self.http = httpx2.AsyncClient(transport=transport, base_url=ISSUER, follow_redirects=False)

    async def get(self, path: str, **more: object) -> httpx2.Response:
        return await self.http.get(path, **more)

    async def form(self, path: str) -> dict[str, str]:
        """The hidden fields of the last form of a page."""
        page = (await self.get(path)).text.rpartition("<form")[2]
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        return {name: unescape(value) for name, value in found}

    async def post(
        self, path: str, fields: "dict[str, str] | list[tuple[str, str]]", **more: object
    ) -> httpx2.Response:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.http.post(path, content=urlencode(fields), headers=headers, **more)

    async def sign_in(self, name: str = "one", path: str = "/sign-in") -> httpx2.Response:
        return await self.post("/sign-in", {**await self.form(path), "username": name, "password": PASSWORD})

    async def arrive(self, url: str) -> str:
        """From an authorization request to the page of ours, or the address elsewhere, that it leads to."""
        parts = urlsplit(url)
        location = (await self.get(f"{parts.path}?{parts.query}")).headers["location"]
        if not location.startswith("/sign-in"):
            return location
        return (await self.sign_in(path=location)).headers["location"]

    async def allow(self, page: str, *lines: str) -> httpx2.Response:
        """Press Allow on a consent page, with these optional lines."""
        fields = [*(await self.form(page)).items(), ("do", "approve"), *(("line", line) for line in lines)]
        return await self.post(page, fields)

    async def connect(self, app: Client, **more: str) -> tuple[Begun, str]:
        """The whole way through the pages; the address with the code."""
        begun = await app.begin(**{"scope": "calendar.events openid", **more})
        page = await self.arrive(begun.url)
        return begun, (await self.allow(page)).headers["location"] if page.startswith("/consent") else page


def query_of(url: str) -> dict[str, str]:
    """The parameters of an answer."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def declared(folder: Path, *people: str) -> Path:
    """The operator's files for these people."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalog.toml").write_text(CATALOG.read_text() + SECOND_SCOPE)
    (folder / "password").write_text(PASSWORD)
    file = folder / "instance.toml"
    file.write_text(DECLARED + "".join(PERSON.format(name=name) for name in people))
    return file


@asynccontextmanager
async def instance(
    folder: Path, *people: str, settings: Settings | None = None, clock: Any = None, address: Address | None = None
) -> AsyncIterator[Instance]:
    """Declared as an operator does it, then composed. `address`: over that PostgreSQL database."""
    data, clock = folder / "data", clock or HandClock()
    if address is not None:
        choose(data, StorageSettings(address.url))
    await apply_to(data, read_declaration(declared(folder, *people)))
    prepare(data)
    async with open_state(data) as state, authority(settings or Settings(), data, state, ISSUER, clock) as composed:
        yield Instance(data, composed, state, clock)
