"""The kit: what is bundled, how a page is guarded, how times and counts read."""

import hashlib
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.responses import Response

from grantline.model.errors import InvalidConfiguration
from grantline.model.text import listed
from grantline.ui.kit import (
    Assets,
    BadForm,
    Cookies,
    Form,
    Formats,
    content_security_policy,
    duration,
    entry_number,
    form_token,
    length,
    redirect_source,
    require_token,
)
from grantline.ui.kit.assets import STATIC

BROWSER_VENDOR = Path(__file__).parents[2] / "browser" / "vendor"


@pytest.mark.parametrize("folder", [STATIC / "vendor", BROWSER_VENDOR], ids=["shipped", "for tests"])
def test_every_bundled_file_has_the_bytes_that_are_written_down(folder: Path) -> None:
    """A foreign file cannot change without its line in vendor.toml."""
    listed = set()
    for package in tomllib.loads((folder / "vendor.toml").read_text())["package"]:
        for name, digest in package["sha256"].items():
            file = folder / package["directory"] / name
            assert hashlib.sha256(file.read_bytes()).hexdigest() == digest, file
            listed.add(file.resolve())
    present = {file.resolve() for file in folder.rglob("*") if file.is_file() and file.name != "vendor.toml"}
    assert present == listed


def test_a_bundled_file_is_served_under_the_hash_of_all(tmp_path: Path) -> None:
    """Other bytes, other path: that is why it may be kept for ever."""
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").write_text("p { color: red }")
    before = Assets(tmp_path).digest
    (tmp_path / "css" / "a.css").write_text("p { color: tan }")
    assert Assets(tmp_path).digest != before


def test_the_style_names_only_files_that_are_bundled() -> None:
    """A font that is not there would silently fall back."""
    style = (STATIC / "css" / "1-tokens.css").read_text()
    named = [part.split('"')[0] for part in style.split('url("')[1:]]
    assert named
    assert all((STATIC / name).is_file() for name in named)


def test_style_uses_logical_properties_only() -> None:
    """The same sheet has to serve right-to-left pages."""
    style = "".join(file.read_text() for file in (STATIC / "css").glob("*.css"))
    for physical in ("margin-left", "margin-right", "padding-left", "padding-right", "text-align: left", "float:"):
        assert physical not in style, physical


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("http://127.0.0.1:8400/cb", "http://127.0.0.1:8400"),
        ("com.example.app:/cb", "com.example.app:"),
        ("https://app.example;script-src/cb", None),
        ("https://user@app.example/cb", None),
        ("https://app.example *", None),
        ("/relative", None),
    ],
)
def test_a_redirect_address_cannot_widen_the_policy(address: str, source: str | None) -> None:
    """Only a plain origin or scheme is named beside 'self'."""
    assert redirect_source(address) == source
    assert content_security_policy(source).count(";") == 6


def test_cookies_are_host_bound_and_secure_on_https() -> None:
    """Covers: C16, check 36."""
    answer = Response()
    cookies = Cookies.for_issuer("https://bank.example")
    cookies.put(answer, cookies.session, "s")
    header = answer.headers["set-cookie"]
    assert header.startswith("__Host-grantline=s;")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(header.split("; "))
    assert "Domain" not in header


def test_cookies_drop_prefix_and_secure_only_on_loopback_http() -> None:
    """Covers: C16, check 36. Plain http elsewhere is refused at start."""
    cookies = Cookies.for_issuer("http://localhost:8080")
    answer = Response()
    cookies.put(answer, cookies.session, "s")
    assert answer.headers["set-cookie"].startswith("grantline=s;")
    assert "Secure" not in answer.headers["set-cookie"]
    with pytest.raises(InvalidConfiguration):
        Cookies.for_issuer("http://bank.example")


def test_a_form_token_holds_for_one_session_and_one_act() -> None:
    """Covers: check 38."""
    form = Form((("csrf", form_token("secret", "consent:h1")),))
    require_token(form, "secret", "consent:h1")
    for secret, act in (("other", "consent:h1"), ("secret", "consent:h2"), (None, "consent:h1")):
        with pytest.raises(BadForm):
            require_token(form, secret, act)


def test_times_read_as_people_read_them() -> None:
    """A day in the reader's zone, today by its clock, proofs to the millisecond with their zone, UTC underneath."""
    now = 1_794_661_591_208_000
    formats = Formats(ZoneInfo("Europe/Madrid"), now)
    assert formats.moment(now).text == "Today,\u00a014:06"
    assert formats.proof(now).text == "14:06:31.208\u00a0CET"
    assert formats.proof(now).iso == "2026-11-14T13:06:31.208Z"
    assert formats.day(now / 1e6 - 86_400).text == "13\u00a0Nov\u00a02026"
    assert formats.moment(now - 86_400_000_000).text == "13\u00a0Nov\u00a02026"
    assert formats.stamp(now).text == "14\u00a0Nov\u00a02026,\u00a014:06\u00a0CET"


def test_a_day_begins_at_midnight_of_the_readers_zone() -> None:
    """Half past midnight in Madrid is still the day before in UTC."""
    half_past = 1_794_612_600_000_000  # 2026-11-13T23:30Z
    assert Formats(ZoneInfo("Europe/Madrid"), half_past).date_key(half_past) == "2026-11-14"
    assert Formats(ZoneInfo("UTC"), half_past).date_key(half_past) == "2026-11-13"


def test_lengths_and_counts_keep_their_units() -> None:
    """No-break spaces; tenths where they say something."""
    assert [duration(us) for us in (400, 41_000, 999_600, 2_140_000, 720_000_000)] == [
        "0.4\u00a0ms", "41\u00a0ms", "1.0\u00a0s", "2.1\u00a0s", "12\u00a0minutes",
    ]  # fmt: skip
    assert [length(days) for days in (1, 90, 365)] == ["1\u00a0day", "90\u00a0days", "12\u00a0months"]
    assert entry_number(184_203) == "184\u202f203"
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
