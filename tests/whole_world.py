"""The whole demonstration as a person meets it: one process group, real addresses, a browser without scripts."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2

from demo.running import processes_below
from grantline.crypto.es256 import SigningKey
from grantline.sdk.client import Calls, Client, Prover, Tokens

ROOT = Path(__file__).parents[1]
CALLBACK = "http://127.0.0.1:9/callback"
SCOPE = "bank.transactions bank.balances calendar.events"
Pick = Callable[[str], bool]
"""Whether to tick a box of the consent form, by its value."""


class Form(HTMLParser):
    """The one form of a page that a person answers: its address, fields and ticked boxes."""

    def __init__(self, page: str, pick: Pick) -> None:
        super().__init__()
        self._pick, self._inside = pick, False
        self.action, self.fields, self.button = "", list[tuple[str, str]](), ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a browser would send."""
        have = {name: value or "" for name, value in attrs}
        if tag == "form" and "hidden" not in have and have.get("action") != "/sign-out":
            self.action, self._inside = have.get("action", ""), True
        elif self._inside and tag == "input" and "disabled" not in have and "name" in have:
            self._input(have)
        elif self._inside and tag == "button" and have.get("id") in {"login-submit", "consent-approve", "stop-now"}:
            self.button = have["id"]
            if "name" in have:
                self.fields.append((have["name"], have.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """The form is over."""
        self._inside = self._inside and tag != "form"

    def _input(self, have: dict[str, str]) -> None:
        name, value, kind = have["name"], have.get("value", "on"), have.get("type", "text")
        ticked = "checked" in have or (kind == "checkbox" and self._pick(value))
        if kind not in {"checkbox", "radio"}:
            self.fields.append((name, have.get("value", "")))
        elif ticked:
            self.fields.append((name, value))


@dataclass
class Connected:
    """An app that a person connected: its tokens, and how it calls."""

    tokens: Tokens
    prover: Prover
    calls: Calls
    client: Client
    browser: httpx2.AsyncClient

    async def get(self, url: str, **headers: str) -> httpx2.Response:
        """One call with a proof of its own."""
        return await self.calls.send("GET", url, self.tokens.access_token, headers=headers)


class WholeWorld:
    """`python -m demo`, answering. `process`: its top; everything else descends from it."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        self.folder, self.process = folder, process
        self.data = folder / "data"
        self._ports: dict[str, int] = json.loads((folder / "ports.json").read_text())
        self._passwords: dict[str, str] = json.loads((folder / "accounts.json").read_text())
        self.authority = f"http://localhost:{self._ports['authority']}"
        self.bank, self.calendar = self.address("bank_gateway"), self.address("calendar")

    def address(self, name: str) -> str:
        """Base URL of a program on 127.0.0.1."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def port(self, name: str) -> int:
        """Its port."""
        return self._ports[name]

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Run `grantline` on this instance, as another process; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "grantline", *arguments, "--data", str(self.data)],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def until_published(self) -> None:
        """Wait until a signed checkpoint covers every entry that is in the log now."""
        log = sqlite3.connect(f"file:{self.data}/ledger/ledger.db?mode=ro", uri=True)
        (size,) = log.execute("SELECT size FROM frontier").fetchone()
        log.close()
        deadline = time.monotonic() + 10
        while int((self.data / "ledger" / "public" / "checkpoint").read_text().splitlines()[1]) < size:
            assert time.monotonic() < deadline, "no checkpoint covers the log"
            time.sleep(0.05)

    def pid(self, marker: str) -> int:
        """The process whose command line ends with `marker`."""
        below = processes_below(self.process.pid)
        found = [pid for pid, line in below.items() if line.strip().endswith(marker) and "leash" not in line]
        assert len(found) == 1, below
        return found[0]

    def enrol_again(self, gateway: str) -> None:
        """Let a gateway back in that was removed: a token for the key it has, as it would spend it at a start."""
        token = self.cli("gateway", "token", gateway).strip()
        jwk = json.loads((self.folder / f"{gateway}-gateway.jwk").read_text())
        asked = {"token": token, "gateway": gateway, "jwk": {name: jwk[name] for name in ("kty", "crv", "x", "y")}}
        answer = httpx2.post(f"{self.authority}/gateway/enrol", json=asked, trust_env=False)
        assert answer.status_code == 201, answer.text

    def register(self, client: str, **more: Any) -> None:
        """Declare a public app, as an operator does while everything runs."""
        scopes = ["bank.transactions", "bank.balances", "bank.categories", "calendar.events"]
        declared = {
            "id": client, "name": "Test app", "publisher": "Tester", "web": "https://app.example", "tier": "verified",
            "redirect_uris": [CALLBACK], "grants": ["authorization_code", "refresh_token"], "scopes": scopes, **more,
        }  # fmt: skip
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in declared.items())
        path = self.folder / f"{client}.toml"
        path.write_text(f"[[clients]]\n{lines}\n")
        self.cli("apply", "-f", str(path))

    async def connect(
        self, http: httpx2.AsyncClient, client: str, *, bound: bool = True, username: str = "holder",
        scope: str = SCOPE, pick: Pick = lambda _value: True,
    ) -> Connected:  # fmt: skip
        """From the app's question over sign-in and consent to tokens."""
        prover = Prover(client, SigningKey.generate() if bound else None)
        asking = Client(http, self.authority, prover, CALLBACK)
        begun = await asking.begin(scope=scope)
        browser = httpx2.AsyncClient(trust_env=False)
        answer = await browser.get(begun.url)
        while not answer.headers.get("location", "").startswith(CALLBACK):
            if answer.is_redirect:
                answer = await browser.get(answer.url.join(answer.headers["location"]))
            else:
                answer = await self._answer(browser, answer, username, pick)
        tokens = await asking.finish(begun, answer.headers["location"])
        return Connected(tokens, prover, Calls(http, prover), asking, browser)

    async def _answer(
        self, browser: httpx2.AsyncClient, page: httpx2.Response, username: str, pick: Pick
    ) -> httpx2.Response:
        form = Form(page.text, pick)
        assert form.button, page.text
        filled = {"username": username, "password": self._passwords[username]}
        fields = [(name, filled.get(name, value)) for name, value in form.fields]
        return await submit(browser, page, form.action, fields)

    async def stop(self, who: Connected) -> str:
        """The person stops the newest connection; the text of the page that says so."""
        consent = who.tokens.grant_id
        page = await who.browser.get(f"{self.authority}/connections/{consent}/stop")
        form = Form(page.text, lambda _value: False)
        answer = await submit(who.browser, page, form.action, form.fields)
        while answer.is_redirect:
            answer = await who.browser.get(answer.url.join(answer.headers["location"]))
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


async def submit(
    browser: httpx2.AsyncClient, page: httpx2.Response, action: str, fields: list[tuple[str, str]]
) -> httpx2.Response:
    """Send a form as a browser does."""
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    body = str(httpx2.QueryParams(fields))
    kind = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    return await browser.post(page.url.join(action), content=body, headers=kind)


def whole_world(folder: Path) -> Iterator[WholeWorld]:
    """Start everything, give it, and stop it by the terminal's signal."""
    log = folder.parent / "demo.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--data", str(folder)],
            stdout=out, stderr=out, text=True, cwd=ROOT, env={**os.environ},
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 90
            while "Ready." not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield WholeWorld(folder, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
