"""Opaque tokens and the end of everything, where each program runs as a process of its own."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Iterator

import httpx2
import orjson
import pytest

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from tests.whole_world import Connected, WholeWorld

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]
CATALOG = "authority/catalog.toml"
KEY = SigningKey.generate()
WATCH = "https://watch.example"


def apply(world: WholeWorld, name: str, text: str) -> None:
    path = world.folder / name
    path.write_text(text)
    world.cli("apply", "-f", str(path))


@pytest.fixture
def opaque_calendar(world: WholeWorld) -> Iterator[None]:
    """The calendar asks for opaque tokens as long as the test lasts."""
    before = (world.data / CATALOG).read_text()
    after, changed = re.subn(r"(?m)^\[apis\.calendar\]$", '[apis.calendar]\ntoken_format = "opaque"', before)
    assert changed == 1
    (world.folder / "opaque-catalog.toml").write_text(after)
    (world.folder / "former-catalog.toml").write_text(before)
    apply(world, "opaque.toml", 'catalog = "opaque-catalog.toml"\n')
    yield
    apply(world, "former.toml", 'catalog = "former-catalog.toml"\n')


async def until(app: Connected, url: str, status: int) -> httpx2.Response:
    """Call until the answer has this status; it, not later than after five seconds."""
    began = time.monotonic()
    while (answer := await app.get(url)).status_code != status:
        assert time.monotonic() - began < 5, answer.text
        await asyncio.sleep(0.05)
    return answer


async def opaque_app(world: WholeWorld, http: httpx2.AsyncClient, name: str) -> Connected:
    """An app that got an opaque token; the authority reads a changed catalog within a second."""
    world.register(name)
    began = time.monotonic()
    while True:
        app = await world.connect(http, name, scope="calendar.events")
        if app.tokens.access_token.startswith("gat_"):
            return app
        assert time.monotonic() - began < 10, "the authority never asked for opaque tokens"
        await asyncio.sleep(0.2)


@pytest.mark.usefixtures("opaque_calendar")
async def test_an_opaque_token_opens_the_api_until_it_is_given_back(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: line 4 (opaque; authority, gateway and proxy as processes)."""
    app, url = await opaque_app(world, http, "opaque"), world.calendar + "/events"
    assert (await until(app, url, 200)).json()
    wrong = await app.calls.send("GET", url, app.tokens.access_token[:-1] + "_")
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "token_invalid")
    await app.client.revoke(app.tokens.access_token)
    assert (await until(app, url, 401)).json()["reason"] == "token_invalid"


@pytest.mark.usefixtures("opaque_calendar")
async def test_everything_of_a_person_ends_at_both_gateways(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 4 (global token revocation at real gateways)."""
    jwk = json.dumps({**KEY.public.jwk, "alg": "ES256"})
    table = ", ".join(f'"{name}" = {json.dumps(value)}' for name, value in json.loads(jwk).items())
    apply(
        world, "watch.toml",
        f'[[trusted_issuers]]\nissuer = "{WATCH}"\nclients = []\njwks = [{{ {table} }}]\n'
        'subjects = "declared"\npeople = { "h" = "holder" }\nrevokes = true\n',
    )  # fmt: skip
    opaque = await opaque_app(world, http, "hammered")
    world.register("hammered-too")
    signed = await world.connect(http, "hammered-too", scope="bank.balances")
    calls = ((opaque, world.calendar + "/events"), (signed, world.bank + "/accounts"))
    for app, url in calls:
        await until(app, url, 200)
    now = int(time.time())
    claims = {"iss": WATCH, "aud": world.authority, "iat": now, "exp": now + 60, "jti": secrets.token_hex(8)}
    head = {"alg": "ES256", "typ": "global-token-revocation+jwt", "kid": KEY.public.kid}
    message = ".".join(b64url(orjson.dumps(part)) for part in (head, claims))
    word = f"{message}.{b64url(KEY.sign(message.encode()))}"
    answer = await http.post(
        f"{world.authority}/global-token-revocation", json={"sub_id": {"format": "iss_sub", "iss": WATCH, "sub": "h"}},
        headers={"authorization": f"Bearer {word}"},
    )  # fmt: skip
    assert answer.status_code == 204, answer.text
    for app, url in calls:
        assert (await until(app, url, 401)).json()["reason"] == "token_invalid"
    assert (await opaque.browser.get(f"{world.authority}/connections")).is_redirect, "signed in no longer"
    assert json.loads(world.cli("grant", "show", str(opaque.tokens.grant_id)))["state"]["status"] == "active"
