"""An instance as `grantline serve` runs it, with the clients of these tests declared and one person to act for them."""

import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import ECKey

from tests.whole_world import Form

ROOT = Path(__file__).parents[3]
CALLBACK = "http://127.0.0.1:9/callback"
SCOPE = "openid profile offline_access calendar.events"
PERSON, PASSWORD = "visitor", "a long enough password"

APP = {"grants": ["authorization_code", "refresh_token"], "redirect_uris": [CALLBACK]}
SERVICE = {"kind": "service", "grants": ["client_credentials"]}
WITH_SECRET = {"auth": "client_secret_basic", "dpop_bound": False}
WITH_KEY = {"auth": "private_key_jwt", "profile": "fapi2"}
CLIENTS: dict[str, dict[str, Any]] = {
    "secret-app": {**APP, **WITH_SECRET},
    "public-app": {**APP, "dpop_bound": False},
    "mcp-app": {**APP, "dpop_bound": False, "profile": "mcp"},
    "keyed-app": {**APP, **WITH_KEY},
    "keyed-service": {**SERVICE, **WITH_KEY},
    "mcp-api": {**SERVICE, **WITH_SECRET},
}
"""By id, what differs between them."""


@dataclass
class Served:
    """`mcp`: the resource of an API for agents. `secret`: of every client that has one; `key`: of those that sign."""

    issuer: str
    mcp: str
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def allow(self, url: str) -> str:
        """What a person's browser does with an authorization URL: signs in, allows, comes back. Where it came to."""
        with httpx2.Client(trust_env=False) as browser:
            answer = browser.get(url)
            while not (leads := answer.headers.get("location", "")).startswith(CALLBACK):
                answer = browser.get(answer.url.join(leads)) if answer.is_redirect else _fill_in(browser, answer)
        return leads

    def declaration(self) -> str:
        """The operator's file."""
        tables = [_table("clients", self._client(name)) for name in CLIENTS]
        person = {"username": PERSON, "name": "Visitor Example", "resource_names": {"calendar": PERSON}}
        given = {"client": "keyed-service", "purpose": "budgeting", "scopes": ["calendar.events"]}
        tables += [_table("people", person) + 'password = { file = "password" }\n', _table("service_grants", given)]
        return 'catalog = "catalog.toml"\n' + "".join(tables)

    def _client(self, name: str) -> dict[str, Any]:
        told = {
            "id": name, "name": name, "publisher": "Tester", "web": "https://app.example",
            "scopes": ["openid", "profile", "calendar.events", "mcp.events"], **CLIENTS[name],
        }  # fmt: skip
        if told.get("auth") == "client_secret_basic":
            told["secret_hashes"] = [sha256(self.secret.encode()).hexdigest()]
        if name == "mcp-api":
            told["audience"] = [self.mcp]
        if told.get("auth") == "private_key_jwt":
            told["jwks"] = [self.key.as_dict(private=False)]
        return told


def _fill_in(browser: httpx2.Client, page: httpx2.Response) -> httpx2.Response:
    form = Form(page.text, lambda _box: True)
    assert form.button, page.text
    typed = {"username": PERSON, "password": PASSWORD}
    fields = [(name, typed.get(name, value)) for name, value in form.fields]
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    return browser.post(page.url.join(form.action), content=str(httpx2.QueryParams(fields)), headers=kind)


def _table(name: str, values: dict[str, Any]) -> str:
    return f"\n[[{name}]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return "[" + ", ".join(map(_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def _catalog(mcp: str) -> str:
    """The demonstration's, and an API at an address of these tests."""
    text = (ROOT / "demo" / "catalog.toml").read_text()
    return (
        text
        + f"""
[apis.mcp]
label = "Events for agents"
type = "mcp_data"
resource = "{mcp}"
gateways = ["mcp"]

[apis.mcp.data.events]
label = "events"
sensitivity = 1
fields = {{ start = {{ label = "start" }}, end = {{ label = "end" }} }}

[[apis.mcp.routes]]
id = "mcp.events"
method = "GET"
path = "/events"
action = "read"
data = "events"
label = "List events"
records = ["events"]

[scopes."mcp.events"]
api = "mcp"
data = "events"
actions = ["read"]
purpose = "budgeting"
required = ["start", "end"]
"""
    )


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def served(folder: Path, mcp: str) -> Iterator[Served]:
    """Declared as an operator does it, served, and stopped by the terminal's signal."""
    port = free_port()
    made = Served(f"http://localhost:{port}", mcp)
    (folder / "catalog.toml").write_text(_catalog(mcp))
    (folder / "password").write_text(PASSWORD)
    (folder / "instance.toml").write_text(made.declaration())
    config, log = folder / "grantline.toml", folder / "log"
    config.write_text(f'[server]\nport = {port}\nissuer = "{made.issuer}"\n')
    grantline = [sys.executable, "-m", "grantline"]
    own = ["--data", str(folder / "data")]
    done = subprocess.run(
        [*grantline, "apply", "-f", str(folder / "instance.toml"), *own], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with log.open("w") as out:
        process = subprocess.Popen(
            [*grantline, "serve", "--config", str(config), *own], stdout=out, stderr=out, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while "Serving as" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
