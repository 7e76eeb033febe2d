"""An instance as `grantline serve` runs it, with the clients of these tests declared and one person to act for them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from joserfc.jwk import ECKey

from tests.conformance.clients.declared import CLIENTS, PASSWORD, PERSON, catalog, declaration
from tests.conformance.clients.host import Host, Tls, serving, tls
from tests.whole_world import Form

GRANTLINE = [sys.executable, "-m", "grantline"]


@dataclass
class Served:
    """What a test needs to know of it.

    `mcp`: the resource of an API for agents; `apache`, `page`: where Apache and a page listen once a test serves them.
    `secret`: of every client that has one; `key`: of those that sign; `initial`: a token to register clients by.
    """

    issuer: str
    mcp: str
    apache: str
    page: str
    tls: Tls
    host: Host
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    initial: str = ""

    def allow(self, url: str) -> str:
        """What a person's browser does with an authorization URL: signs in, allows, comes back. Where it came to."""
        with httpx2.Client(trust_env=False) as browser:
            return self.act(browser, url)

    def act(self, browser: httpx2.Client, url: str) -> str:
        """Follow and fill in whatever is shown, until an answer leads away from the authority: to where."""
        answer = browser.get(url)
        while True:
            leads = answer.headers.get("location", "")
            target = answer.url.join(leads) if leads.startswith("/") else leads
            if answer.is_redirect and not str(target).startswith(f"{self.issuer}/"):
                return leads
            answer = browser.get(target) if answer.is_redirect else _fill_in(browser, answer)

    def differing(self) -> dict[str, dict[str, Any]]:
        """What is told of clients that is known only now."""
        told: dict[str, dict[str, Any]] = {name: {} for name in CLIENTS}
        for name, fixed in CLIENTS.items():
            if fixed.get("auth") == "client_secret_basic":
                told[name]["secret_hashes"] = [sha256(self.secret.encode()).hexdigest()]
            if fixed.get("auth") == "private_key_jwt":
                told[name]["jwks"] = [self.key.as_dict(private=False)]
        told["mcp-api"]["audience"] = [self.mcp]
        for name in ("browser-app", "browser-app-with-key"):
            told[name]["logout"] = {"redirect_uris": [f"{self.page}/bye"]}
        told["apache-app"]["redirect_uris"] = [f"{self.apache}/app/back"]
        told["apache-app"]["logout"] = {
            "redirect_uris": [f"{self.apache}/bye"], "backchannel_session": True,
            "backchannel_uri": f"{self.apache}/app/back?logout=backchannel",
        }  # fmt: skip
        return told

    def settings(self) -> str:
        """The instance's own file: clients may come by a document or by a token."""
        port = self.issuer.rpartition(":")[2]
        return f"""
[server]
port = {port}
issuer = "{self.issuer}"
[registration]
dynamic = true
documents = true
document_scopes = ["mcp.events", "mcp.notes"]
[fetching]
private_hosts = ["localhost"]
"""


def _fill_in(browser: httpx2.Client, page: httpx2.Response) -> httpx2.Response:
    form = Form(page.text, lambda _box: True)
    assert form.button, page.text
    typed = {"username": PERSON, "password": PASSWORD}
    fields = [(name, typed.get(name, value)) for name, value in form.fields]
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    return browser.post(page.url.join(form.action), content=str(httpx2.QueryParams(fields)), headers=kind)


def free_port() -> int:
    """One that nobody listens on, below those that the system hands out: it stays free until a test needs it."""
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as held, suppress(OSError):
            held.bind(("127.0.0.1", port))
            return port


def _run(*arguments: str) -> str:
    done = subprocess.run([*GRANTLINE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def served(folder: Path, mcp: str) -> Iterator[Served]:
    """Declared as an operator does it, served, and stopped by the terminal's signal."""
    shown = tls(folder)
    with serving(shown) as host:
        apache = f"https://localhost:{free_port()}"
        made = Served(f"http://localhost:{free_port()}", mcp, apache, f"http://127.0.0.1:{free_port()}", shown, host)
        (folder / "catalog.toml").write_text(catalog(mcp))
        (folder / "password").write_text(PASSWORD)
        (folder / "instance.toml").write_text(declaration(made.differing()))
        (folder / "grantline.toml").write_text(made.settings())
        own = ["--data", str(folder / "data")]
        _run("apply", "-f", str(folder / "instance.toml"), *own)
        registering = ["--scope", "mcp.events", "--scope", "mcp.notes", "--profile", "mcp", "--uses", "9"]
        made.initial = _run("clients", "initial-token", *registering, *own).strip()
        with _serving(folder, shown, own):
            yield made


@contextmanager
def _serving(folder: Path, shown: Tls, own: list[str]) -> Iterator[None]:
    log = folder / "log"
    # The instance believes the clients' servers as an operator's own authority would make it.
    environment = {**os.environ, "SSL_CERT_FILE": str(shown.trusted)}
    with log.open("w") as out:
        process = subprocess.Popen(
            [*GRANTLINE, "serve", "--config", str(folder / "grantline.toml"), *own],
            stdout=out, stderr=out, start_new_session=True, env=environment,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while "Serving as" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
