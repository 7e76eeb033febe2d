"""The page that checks a proof, opened from a file as an auditor does, in a real browser."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from grantline.crypto.encoding import b64url
from grantline.crypto.merkle import inclusion_proof, leaf_hash, tree_root
from grantline.ledger import entry
from tests.browser.test_accessible import AXE, RULES, RUN_AXE, RUN_OVER, SMALL
from tests.conformance.verifier.a_log import LOG, ROOT, entries, note
from tools.verifier_page import PAGE, stamped

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("GRANTLINE_SHOTS")
IP, USER_AGENT = "203.0.113.7", 'Ärger \u202e"\n€'
SECRET = bytes(range(32))


def given(folder: Path) -> list[Path]:
    """A proof, its entry and two disclosures."""
    told = [(name, value, entry.field_key(SECRET, name)) for name, value in (("ip", IP), ("user_agent", USER_AGENT))]
    leaf = {
        "v": 1, "id": "e-1", "type": "gateway.decision@1", "tc": 1_795_510_793_000_000, "act": "read",
        "res": "transactions", "out": "permit", "client": "budget", "pur": "budgeting", "cv": 2, "prod": "gw1",
        "sd": [entry.commitment(key, name, value) for name, value, key in told],
    }  # fmt: skip
    found = entries(700)
    found[300] = json.dumps(leaf).encode()
    hashes = [leaf_hash(one) for one in found]
    path = inclusion_proof(300, 700, lambda level, at: tree_root(hashes[at << level : (at + 1) << level]))
    lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in path)
    files = [folder / "e-1.tlog-proof", folder / "e-1.entry", folder / "e-1.disclosures.json"]
    files[0].write_text(f"c2sp.org/tlog-proof@v1\nindex 300\n{lines}\n{note(found)}")
    files[1].write_bytes(found[300])
    files[2].write_text(json.dumps([{"name": name, "value": value, "key": b64url(key)} for name, value, key in told]))
    return files


async def opened(browser: Browser, **options: Any) -> tuple[Page, list[str]]:
    """The page from its file, with nothing else within reach, and what it complained of or asked for."""
    context = await browser.new_context(offline=True, **options)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url == PAGE.as_uri() else wrong.append(request.url))
    await page.goto(PAGE.as_uri())
    return page, wrong


async def check(page: Page, files: list[Path], vkey: str = str(LOG.verifier)) -> str:
    """What the page answers."""
    await page.get_by_label("The log’s key").fill(vkey)
    await page.get_by_label("The files that you were given").set_input_files(files)
    await page.get_by_role("button", name="Check").click()
    await page.locator("#answer h2").wait_for()
    return await page.get_by_role("status").inner_text()


async def test_its_policy_allows_its_own_script_and_style_alone() -> None:
    """The digests are those of what stands in it."""
    assert PAGE.read_text() == stamped(PAGE.read_text())
    assert PAGE == ROOT / "verifier" / "index.html"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
async def test_a_sound_proof_is_told_in_words(browser: Browser, tmp_path: Path, width: int, scheme: Any) -> None:
    """Covers: AUDIT §5.8. Nothing is fetched, nothing runs over, axe finds nothing."""
    page, wrong = await opened(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    said = await check(page, given(tmp_path))
    for words in ("The proof holds", "entry 300 of 700", "2026-11-24", "budgeting", IP, "\\u202e", "€"):
        assert words in said
    assert "\u202e" not in said
    assert await page.evaluate(RUN_OVER) == []
    assert await page.evaluate(SMALL) == []
    assert wrong == []
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"verifier-{width}-{scheme}.png", full_page=True)
    await page.context.close()


async def test_the_page_is_accessible(browser: Browser, tmp_path: Path) -> None:
    """Under its own policy nothing can be added to it, so a copy without one is looked at."""
    copy = tmp_path / "copy.html"
    copy.write_text(PAGE.read_text().replace("Content-Security-Policy", "X-Nothing"))
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(copy.as_uri())
    await check(page, given(tmp_path))
    await page.evaluate(AXE)
    assert await page.evaluate(RUN_AXE, RULES) == []
    await context.close()


def _edit(number: int, old: bytes, new: bytes) -> Any:
    def change(files: list[Path]) -> None:
        data = files[number].read_bytes()
        assert old in data
        files[number].write_bytes(data.replace(old, new, 1))

    return change


def _pad(files: list[Path]) -> None:
    text = files[0].read_text()
    files[0].write_text(text.replace("index 300\n", f"index 300\n{base64.b64encode(bytes(32)).decode()}\n"))


def _cut(files: list[Path]) -> None:
    lines = files[0].read_text().split("\n")
    files[0].write_text("\n".join([*lines[:2], *lines[3:]]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_edit(1, b'"permit"', b'"denied"'), "does not lead to what the log signed"),
        (_edit(0, b"index 300", b"index 301"), "does not lead to what the log signed"),
        (_edit(0, b"index 300", b"index 700"), "no entry 700 among 700"),
        (_edit(0, b"\n700\n", b"\n701\n"), "signature does not match"),
        (_edit(0, b"\n700\n", b"\n0700\n"), "signature does not match"),
        (_edit(0, b"audit.example/log1\n", b"audit.example/log2\n"), "signature does not match"),
        (_edit(0, "— audit".encode(), "— other".encode()), "not signed by this key"),
        (_edit(2, IP.encode(), b"203.0.113.8"), "not committed to this value of “ip”"),
        (_edit(2, b'"key"', b'"cay"'), "malformed"),
        (_edit(2, b"[", b"("), "malformed"),
        (_pad, "too long"),
        (_cut, "too short"),
    ],
)
async def test_a_forged_proof_is_refused_in_words(browser: Browser, tmp_path: Path, change: Any, words: str) -> None:
    """Covers: AUDIT §4."""
    page, _ = await opened(browser)
    files = given(tmp_path)
    change(files)
    said = await check(page, files)
    assert "The proof does not hold" in said
    assert words in said
    if SHOTS and change is _pad:
        await page.screenshot(path=Path(SHOTS) / "verifier-refused.png", full_page=True)
    await page.context.close()


@pytest.mark.parametrize(
    ("vkey", "words"),
    [
        ("nonsense", "not of the form"),
        (str(LOG.verifier).replace("+72c3d033+", "+72c3d034+"), "id does not belong"),
        ("audit.example/log1+2158a7d9+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "small order"),
    ],
)
async def test_a_key_that_proves_nothing_is_refused(browser: Browser, tmp_path: Path, vkey: str, words: str) -> None:
    page, _ = await opened(browser)
    if words == "small order":
        data = b"\x01\x01" + bytes(31)
        identifier = hashlib.sha256(b"audit.example/log1\n" + data).hexdigest()[:8]
        vkey = f"audit.example/log1+{identifier}+{base64.b64encode(data).decode()}"
    assert words in await check(page, given(tmp_path), vkey)
    await page.context.close()


async def test_a_file_too_few_is_said(browser: Browser, tmp_path: Path) -> None:
    page, _ = await opened(browser)
    files = given(tmp_path)
    assert "It could not be checked" in (said := await check(page, files[1:]))
    assert "no proof among these files" in said
    await page.context.close()
