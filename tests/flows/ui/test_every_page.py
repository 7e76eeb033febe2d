"""What holds for every answer, errors included."""

import re

import pytest

from tests.browser.fakes import FakeWorld
from tests.flows.ui.conftest import Browser

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
PATHS = [
    "/", "/sign-in", "/enrol/link-1", "/enrol/over", "/consent/h-budget", "/consent/none", "/connections",
    "/connections/g_budget", "/connections/g_budget/stop", "/connections/g_loan/stopped", "/nowhere", "/static/x/y",
    "/security", "/security/password", "/security/totp", "/security/recovery", "/security/passkey",
    "/security/remove/totp/app", "/device", "/device/code/BDWP-HQPK", "/device/h-tv", "/device/none",
    "/connections/waiting", "/answered/h-tv", "/consent/h-call",
]  # fmt: skip
WITH_PASSKEYS = ("/sign-in", "/security/passkey")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(holder: Browser, path: str) -> None:
    """Covers: C16, check 49."""
    answer = holder.get(path)
    assert HEADERS.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "geolocation=()" in answer.headers["permissions-policy"]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_holds_a_script_or_a_style_of_its_own(holder: Browser, path: str) -> None:
    """Covers: check 27, check 28. Nothing inline, nothing from elsewhere; one file of ours, where passkeys are used."""
    answer = holder.get(path)
    text, passkeys = answer.text, path in WITH_PASSKEYS
    ours = re.findall(r'<script src="/static/[0-9a-f]{16}/js/passkey\.js" defer></script>\n', text)
    assert len(ours) == text.count("<script") == passkeys
    assert ("script-src 'self'" in answer.headers["content-security-policy"]) == passkeys
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)


def test_a_failure_of_ours_says_so_and_keeps_its_guard(
    holder: Browser, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No internals; a reference to quote."""

    async def broken(*_: object) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(world.connections, "of", broken)
    answer = holder.get("/connections")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Something here failed" in answer.text
    assert HEADERS.items() <= dict(answer.headers).items()


def test_an_error_page_is_not_made_from_what_was_asked(holder: Browser) -> None:
    """Covers: check 13. Three lines to quote; nothing of the address comes back."""
    text = holder.get("/CALL-0800-HELP?x=CALL-0800-HELP").text
    assert "0800" not in text
    assert re.findall(r"<dt>([^<]*)</dt>", text) == ["Error", "Reference", "Time"]
    first, second = (re.search(r"Reference</dt><dd>(.*?)</dd>", holder.get("/no").text)[1] for _ in range(2))  # type: ignore[index]
    assert first != second


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"csrf=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"csrf=\xff", "application/x-www-form-urlencoded"),
        (b"a&b", "application/x-www-form-urlencoded"),
        (b"&".join(b"f=1" for _ in range(300)), "application/x-www-form-urlencoded"),
        (b'{"do": "approve"}', "application/json"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
    ids=["large", "bytes", "not pairs", "many", "json", "multipart"],
)
def test_what_is_not_our_form_is_refused(holder: Browser, world: FakeWorld, body: bytes, kind: str) -> None:
    """Bounded and of one type."""
    for path in ("/consent/h-budget", "/sign-in", "/connections/g_budget/stop", "/sign-out", "/enrol/link-1"):
        assert holder.post(path, content=body, headers={"content-type": kind}).status_code == 400, path
    assert world.connections.withdrawn == []
    assert world.interaction.answered == {}


def test_bundled_files_may_be_kept_for_ever(holder: Browser) -> None:
    """Their path names their bytes; another path does not exist."""
    style = re.search(r'rel="stylesheet" href="([^"]+)"', holder.get("/sign-in").text)
    assert style
    answer = holder.get(style[1])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    font = style[1].replace("kit.css", "vendor/ibm-plex-sans-5.3.0/ibm-plex-sans-latin-wght-normal.woff2")
    assert holder.get(font).headers["content-type"] == "font/woff2"
    assert holder.get("/static/0000000000000000/kit.css").status_code == 404
    assert holder.get(style[1].replace("kit.css", "../../pages.py")).status_code == 404
