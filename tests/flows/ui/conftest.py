"""Pages over ASGI, without a browser: what is sent and what is refused."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from grantline.ui.portal import PortalSettings, portal, portal_site
from tests.browser.fakes import FakeRandomness, FakeWorld

SETTINGS = PortalSettings("http://localhost", "Example Bank", "privacy@bank.example", zone="Europe/Madrid")


class Browser(TestClient):
    """Follows nothing by itself, and fills in what a page's form holds."""

    def token(self, path: str) -> str:
        """The form token of a page."""
        return self.hidden(path)["csrf"]

    def hidden(self, path: str) -> dict[str, str]:
        """All hidden fields of a page's last form."""
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.get(path).text)
        return dict(found)


@pytest.fixture
def world() -> FakeWorld:
    """A fresh world."""
    return FakeWorld()


@pytest.fixture
def visitor(world: FakeWorld) -> Iterator[Browser]:
    """Somebody who is not signed in."""
    site = portal_site(world.services(), SETTINGS, world.clock, FakeRandomness())
    with Browser(portal(site), "http://localhost", raise_server_exceptions=False, follow_redirects=False) as browser:
        yield browser


@pytest.fixture
def holder(visitor: Browser, world: FakeWorld) -> Browser:
    """The account holder, signed in."""
    visitor.cookies.set("grantline", world.identity.begin().secret)
    return visitor
