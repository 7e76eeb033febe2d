"""What pages say is what the record holds; what came of a code used twice ends everywhere; logs hold no secret."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from demo.recompute import entries
from grantline.app.own_secrets import ask_ledger
from grantline.ledger.reading import Access
from grantline.model.ids import ConsentId
from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(240)


async def accesses(world: WholeWorld, consent: str, count: int) -> tuple[Access, ...]:
    """All calls under a consent, newest first, once there are `count` of them and each has its outcome."""
    ledger = ask_ledger(world.data)
    began = time.monotonic()
    try:
        while True:
            found = await ledger.accesses(ConsentId(consent), limit=1_000)
            if len(found) >= count and all(one.status for one in found if one.decision == "permit"):
                return found
            assert time.monotonic() - began < 20, found
            await asyncio.sleep(0.05)
    finally:
        await ledger.close()


async def row(world: WholeWorld, browser: httpx2.AsyncClient, consent: str, show: str = "") -> str:
    """The line of one connection on the list, as markup with plain spaces; every line is counted on the way."""
    page = (await browser.get(f"{world.authority}/connections{show}")).text.replace("\u00a0", " ")
    found = re.findall(r'<li>\s*<div class="row-who.*?</li>', page, re.DOTALL)
    (count,) = re.findall(r'aria-current="true">[^<]*?(\d+)</a>', page) or [str(len(found))]
    assert int(count) == len(found)
    (mine,) = (str(line) for line in found if f"/connections/{consent}" in line)
    return mine


async def text(browser: httpx2.AsyncClient, url: str) -> str:
    """What is read on a page, with plain spaces."""
    page = (await browser.get(url)).text
    bare = unescape(re.sub(r"<[^>]*>", " ", page))
    return re.sub(r"\s+", " ", bare.replace("\u00a0", " ").replace("\u202f", " "))


def exported(world: WholeWorld, client: str, place: Path) -> list[dict[str, Any]]:
    """Every entry under the one consent of this client, oldest first, from the export alone."""
    world.until_published()
    world.cli("ledger", "export", str(place))
    log = [json.loads(leaf) for leaf in entries(place)]
    (cns,) = {line["cns"] for line in log if line["type"] == "consent.given@1" and line["client"] == client}
    return [line for line in log if line.get("cns") == cns]


def counts(log: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How many entries of each (type, out)."""
    return Counter((line["type"], line["out"]) for line in log)


def last_used(log: list[dict[str, Any]]) -> str:
    """The newest call that was allowed, as pages mark its time: UTC, to the millisecond."""
    us = max(line["t"] for line in log if (line["type"], line["out"]) == ("gateway.decision@1", "permit"))
    at = datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f'<time datetime="{at}.{us // 1_000 % 1_000:03d}Z">'


async def test_every_number_of_the_portal_is_a_count_over_the_record(
    world: WholeWorld, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Covers: line 7, P2, P3, P5, P15. Through real gateways; the export and the ledger's own entries judge."""
    world.register("counted")
    app = await world.connect(http, "counted")
    page = f"{world.authority}/connections/{app.tokens.grant_id}"
    for _ in range(5):
        assert (await app.get(f"{world.calendar}/events")).status_code == 200
    for _ in range(3):
        assert (await app.get(f"{world.calendar}/events?fields=title")).status_code == 200
    for _ in range(2):
        assert (await app.get(f"{world.calendar}/events?fields=location")).status_code == 403
    assert (await app.get(f"{world.bank}/accounts?fields=iban")).status_code in {400, 403}
    calls = await accesses(world, app.tokens.grant_id, 11)

    allowed = [one for one in calls if one.decision == "permit"]
    assert (len(allowed), len(calls)) == (8, 11)
    log = exported(world, "counted", tmp_path / "first")
    record = counts(log)
    assert record["gateway.decision@1", "permit"] == 8
    assert record["gateway.decision@1", "deny"] == 3
    shown = await text(app.browser, page)
    assert "8 allowed, 3 refused" in shown
    assert "All 11" in shown
    assert "8 allowed, 3 refused. At most 8\u00a0calls in a day." in (await app.browser.get(page)).text
    fields = Counter(name for one in allowed for name in one.fields)
    assert fields["title"] == 8
    assert fields["start"] == 5
    for label, count in (("Title", fields["title"]), ("Start", fields["start"]), ("End", fields["end"])):
        assert f"{label} of events {count} Today" in shown
    line = await row(world, app.browser, app.tokens.grant_id)
    assert last_used(log) in line
    assert "Active</span>" in line
    granted = {(*each["datatypes"], name) for each in app.tokens.authorization_details for name in each["fields"]}
    assert sum(int(number) for number in re.findall(r"(\d+) fields? of", line)) == len(granted)
    listed = await text(app.browser, f"{page}/accesses")
    assert listed.count("Allowed because:") == 8
    assert listed.count("Refused:") == 3
    for one in calls:
        assert f"{one.index:,}".replace(",", " ") in listed

    said = await world.stop(app)
    stopped = re.search(r"Stopped at (\d) of (\d) gateways", said.replace("&nbsp;", " ").replace("\u00a0", " "))
    assert stopped is not None, said
    assert stopped[1] == stopped[2] == "2"
    assert (await app.get(f"{world.calendar}/events")).status_code == 401
    after = (await accesses(world, app.tokens.grant_id, 12))[0]
    assert after.reason == "grant_withdrawn"
    answer = await text(app.browser, f"{page}/stopped")
    assert f"Ledger entry {allowed[0].index:,}".replace(",", " ") in answer
    assert f"Ledger entry {after.index:,}".replace(",", " ") in answer
    assert "8 allowed, 4 refused" in await text(app.browser, page)
    log = exported(world, "counted", tmp_path / "second")
    line = await row(world, app.browser, app.tokens.grant_id, "?show=ended")
    assert "Stopped</span>" in line
    assert last_used(log) in line
    record = counts(log)
    assert sum(record[kind, "permit"] for kind in ("consent.withdrawn@1", "consent.closed@1")) == 2


async def test_a_code_used_twice_ends_its_tokens_at_both_gateways(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: check 83. The JWT is still within its time; the feed ends it. The consent stands."""
    world.register("replayed", dpop_bound=False)
    sent: list[bytes] = []

    async def keep(request: httpx2.Request) -> None:
        if request.url.path == "/token":
            sent.append(await request.aread())

    http.event_hooks = {"request": [keep], "response": []}
    app = await world.connect(http, "replayed", bound=False)
    bearer = {"authorization": f"Bearer {app.tokens.access_token}"}
    urls = (f"{world.calendar}/events", f"{world.bank}/accounts")
    before = [(await http.get(url, headers=bearer)).status_code for url in urls]
    assert before[0] == 200
    assert 401 not in before
    form = {"content-type": "application/x-www-form-urlencoded"}
    again = await http.post(f"{world.authority}/token", content=sent[0], headers=form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    began = time.monotonic()
    while {(await http.get(url, headers=bearer)).status_code for url in urls} != {401}:
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.01)
    with pytest.raises(Exception, match="invalid_grant"):
        await app.client.refresh(app.tokens.refresh_token or "")
    assert "Active" in await text(app.browser, f"{world.authority}/connections/{app.tokens.grant_id}")


async def test_no_secret_of_a_whole_way_is_in_any_log(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: check 31. Tokens, codes, proofs, verifiers, cookies and passwords, also of what was refused."""
    world.register("quiet")
    secrets: set[str] = set()

    async def keep(request: httpx2.Request) -> None:
        secrets.update(request.headers.get(name, "") for name in ("dpop",))
        if request.url.path == "/token":
            form = dict(parse_qsl((await request.aread()).decode()))
            secrets.update(form.get(name, "") for name in ("code", "code_verifier", "refresh_token"))

    http.event_hooks = {"request": [keep], "response": []}
    app = await world.connect(http, "quiet")
    assert (await app.get(f"{world.calendar}/events")).status_code == 200
    assert (await app.get(f"{world.calendar}/events?fields=location")).status_code == 403
    fresh = await app.client.refresh(app.tokens.refresh_token or "")
    with pytest.raises(Exception, match="invalid"):
        await app.client.refresh("f_0000000000000000000000.1." + "x" * 43)
    await world.stop(app)
    assert (await app.get(f"{world.calendar}/events")).status_code == 401
    secrets |= {app.tokens.access_token, app.tokens.refresh_token or "", fresh.access_token, fresh.refresh_token or ""}
    secrets |= set(_cookies(app)) | set(json.loads((world.folder / "accounts.json").read_text()).values())
    secrets.discard("")
    assert len(secrets) > 12
    found = {
        (path.name, secret[:12]) for path in _logs(world) for secret in secrets if secret.encode() in path.read_bytes()
    }
    assert not found


def _cookies(app: Connected) -> Iterator[str]:
    for cookie in app.browser.cookies.jar:
        if cookie.value:
            yield cookie.value


def _logs(world: WholeWorld) -> Iterator[Path]:
    """Every log. What the demonstration itself prints is its terminal, where it names its accounts on purpose."""
    for folder in (world.folder / "logs", world.data / "log"):
        yield from (path for path in folder.iterdir() if path.is_file())
