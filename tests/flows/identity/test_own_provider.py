"""Two of us: one signs people in for the other, over its real endpoints and pages."""

import hashlib
import secrets
from pathlib import Path

import httpx2
import pytest

from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.identity import (
    Admission,
    Linked,
    LoopbackFetch,
    Provider,
    Returned,
    Session,
    UpstreamSettings,
    UpstreamSignIn,
    Visit,
    declare,
)
from grantline.identity.levels import UPSTREAM
from tests.flows.identity.conftest import Person
from tests.instance_world import ISSUER, Instance, declared, query_of
from tests.unit.identity.conftest import World, world

__all__ = ["world"]

SECRET = "a secret of 256 bits, or so"
PARTNER = f"""
[[clients]]
id = "partner"
name = "Partner Bank"
publisher = "Partner Bank Ltd"
web = "https://as.example"
redirect_uris = ["https://as.example/sign-in/with/corp/back"]
grants = ["authorization_code"]
scopes = ["calendar.events", "openid"]
details = ["calendar_data"]
profile = "oidc"
auth = "client_secret_basic"
dpop_bound = false
secret_hashes = ["{hashlib.sha256(SECRET.encode()).hexdigest()}"]
"""


@pytest.fixture
def here_too(world: World, here: Instance) -> UpstreamSignIn:
    """The one that asks, at the same time of day."""
    world.clock.seconds = here.clock.wall_us() // 1_000_000
    settings = UpstreamSettings(
        name="corp", title="Example Corp", issuer=ISSUER, client_id="partner", scopes=("openid", "calendar.events")
    )
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=here.composed.app))
    provider = Provider(settings, LoopbackFetch(http), world.clock, lambda: SECRET)
    return UpstreamSignIn(
        world.database, Admission(world.sessions, world.clock), providers=(provider,), issuer="https://as.example",
        clock=world.clock, randomness=secrets.token_bytes,
    )  # fmt: skip


async def there(person: Person, address: str) -> dict[str, str]:
    """Sign in and agree at the other one; what the browser takes back."""
    at = await person.browser.arrive(address)
    asked = await person.browser.get(at)
    # Who agreed before is not asked again.
    at = asked.headers.get("location") or (await person.browser.allow(at)).headers["location"]
    assert at.startswith("https://as.example/sign-in/with/corp/back?"), at
    return query_of(at)


async def test_one_of_us_signs_people_in_for_another(
    here: Instance, here_too: UpstreamSignIn, world: World, tmp_path: Path
) -> None:
    """Discovery, PKCE, `client_secret_basic`, the answer's `iss`, the ID token and its key: all as they are."""
    file = declared(tmp_path, "one")
    file.write_text(file.read_text() + PARTNER)
    await apply_to(here.data, read_declaration(file))
    await here.reload()
    await declare(world.database, world.hashing, world.declaration(), world.clock)
    session, visit = await world.signed_in(), Visit("10.0.0.1")

    address = await here_too.leave("corp", "browser", onward="/security", link=session)
    answer = await there(Person(here), address)
    assert answer["iss"] == ISSUER
    linked = await here_too.back("corp", answer, "browser", visit, session)
    assert isinstance(linked, Returned)
    assert linked.outcome == Linked()

    address = await here_too.leave("corp", "browser", onward="/connections")
    answer = await there(Person(here), address)
    returned = await here_too.back("corp", answer, "browser", visit, None)
    assert isinstance(returned, Returned)
    assert isinstance(returned.outcome, Session)
    assert (returned.outcome.username, returned.outcome.acr) == ("holder", UPSTREAM)
    assert returned.onward == "/connections"
