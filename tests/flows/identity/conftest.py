"""The whole composition with one person, and what they do on its pages without JavaScript."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx2
import pyotp
import pytest
import pytest_asyncio

from tests.instance_world import PASSWORD, Instance, Visitor, instance
from tests.postgres_server import database_of


@pytest_asyncio.fixture
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Instance]:
    """A composed authority that knows one person."""
    async with database_of(request) as address, instance(tmp_path, "one", address=address) as composed:
        yield composed


class Person:
    """Somebody with a browser and, after `adds_app`, an app for codes."""

    def __init__(self, here: Instance, visitor: Visitor | None = None, secret: str = "") -> None:
        self.here = here
        self.browser = visitor or here.visitor()
        self.secret = secret

    async def fields(self, path: str, marker: str = "") -> dict[str, str]:
        """The hidden fields of the form that holds `marker`; of the last one without it."""
        page = (await self.browser.get(path)).text
        forms = [form for form in page.split("<form")[1:] if marker in form.partition("</form>")[0]]
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[-1].partition("</form>")[0])
        return {name: unescape(value) for name, value in found}

    async def password(self, path: str = "/sign-in", password: str = PASSWORD) -> httpx2.Response:
        fields = {**await self.fields(path, 'name="password"'), "username": "one", "password": password}
        return await self.browser.post("/sign-in", fields)

    async def types(self, path: str, code: str) -> httpx2.Response:
        """Type a code into the second step at `path`."""
        return await self.browser.post("/sign-in/second", {**await self.fields(path, 'name="code"'), "code": code})

    def code(self) -> str:
        """The code that the app shows, half a minute later, so that it is a new one."""
        self.here.clock.pass_seconds(30)
        return pyotp.TOTP(self.secret).at(self.here.clock.wall_us() // 1_000_000)

    async def adds_app(self) -> None:
        """Through the page: the key as it is shown, its first code."""
        text = (await self.browser.get("/security/totp")).text
        shown = text.partition('id="totp-key"')[2].partition("</p>")[0]
        self.secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", shown))
        hidden = dict(re.findall(r'name="(csrf|handle)" value="([^"]+)"', text.partition("2. Type")[2]))
        answer = await self.browser.post("/security/totp", {**hidden, "code": self.code()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/security/recovery")

    async def signs_in(self) -> None:
        """Both steps."""
        location = (await self.password()).headers["location"]
        assert (await self.types(location, self.code())).headers["location"] == "/"


@pytest_asyncio.fixture
async def person(here: Instance) -> Person:
    """The person, signed in by password."""
    one = Person(here)
    assert (await one.password()).status_code == 303
    return one
