"""The log over HTTP, where an operator has it public."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from grantline.crypto.encoding import unb64url
from grantline.ledger.settings import Places
from grantline.ledger.settings import Settings as LedgerSettings
from grantline.settings import Settings
from tests.conformance.verifier.a_log import ORIGIN, W1, entries, note, write
from tests.instance_world import Instance, instance

FOR_EVER = "public, max-age=31536000, immutable"


@asynccontextmanager
async def reading(folder, *, public=True):
    """A browser of nobody, and a log of 300 entries where the ledger keeps it."""
    settings = replace(Settings(), ledger=LedgerSettings(public=public))
    async with instance(folder, "one", settings=settings) as house:
        log = write(Places(house.data).public, entries(300))
        (log / "checkpoint.witnessed").write_text(W1.cosign(note(entries(300)), 1))
        yield house.visitor().http, log


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "no-cache"),
        ("checkpoint.witnessed", "text/plain; charset=utf-8", "no-cache"),
        ("log.vkey", "text/plain; charset=utf-8", "no-cache"),
        ("tile/0/000", "application/octet-stream", FOR_EVER),
        ("tile/0/001.p/44", "application/octet-stream", FOR_EVER),
        ("tile/entries/001.p/44", "application/octet-stream", FOR_EVER),
    ],
)
async def test_files_are_served_as_the_format_says(tmp_path, name, kind, kept):
    """Covers: AUDIT §2."""
    async with reading(tmp_path) as (http, log):
        answer = await http.get(f"/log/{name}")
        assert answer.status_code == 200
        assert answer.content == (log / name).read_bytes()
        headers = answer.headers
        assert (headers["content-type"], headers["cache-control"]) == (kind, kept)
        assert headers["access-control-allow-origin"] == "*"
        only_head = await http.head(f"/log/{name}")
        assert (only_head.content, only_head.headers["content-length"]) == (b"", str(len(answer.content)))


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0/002", "tile/0/001.p/45", "tile/0/000/", "..%2fledger.db", "%2e%2e/root.key", "../root.key",
        "tile/0/x000/%2e%2e/000", "log.vkey%00", "tile/64/000", "tile/0/001.p", "//etc/passwd",
    ],
)  # fmt: skip
async def test_nothing_else_is_there(tmp_path, path):
    async with reading(tmp_path) as (http, log):
        (log.parent / "root.key").write_text("secret")
        answer = await http.get(f"/log/{path}")
        assert answer.status_code == 404
        assert "secret" not in answer.text
        assert answer.headers.get("cache-control") != FOR_EVER


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_it_is_read_only(tmp_path, method):
    async with reading(tmp_path) as (http, _):
        answer = await http.request(method, "/log/checkpoint")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_it_is_not_public_unless_it_was_made_so(tmp_path):
    assert Settings().ledger.public is False
    async with reading(tmp_path, public=False) as (http, _):
        assert (await http.get("/log/checkpoint")).status_code == 404


async def test_a_receipt_quotes_the_newest_checkpoint(house: Instance) -> None:
    """Covers: AUDIT §5.7. Each person who keeps one remembers the log; a log that cannot be read holds up nobody."""
    person, app = house.visitor(), house.app()
    begun, url = await person.connect(app)
    page = f"/connections/{(await app.finish(begun, url)).grant_id}/receipt/1"
    assert "log" not in (await person.get(page)).json()["receipt"]
    log = write(Places(house.data).public, entries(300))
    quoted = (await person.get(page)).json()
    root = note(entries(300)).split("\n")[2]
    assert quoted["receipt"]["log"] == {"origin": ORIGIN, "size": 300, "root": root}
    payload = json.loads(unb64url(quoted["jws"].split(".")[1]))
    assert payload["log"] == quoted["receipt"]["log"]
    (log / "checkpoint").write_text("junk")
    assert "log" not in (await person.get(page)).json()["receipt"]
