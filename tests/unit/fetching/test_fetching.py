"""What is fetched for clients, and what never is: a real TLS server on loopback, and a resolver in hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from grantline.fetching import (
    JWKS,
    LOGO,
    METADATA,
    Bounds,
    CannotFetch,
    Fetcher,
    FetchSettings,
    Kept,
    fresh_for,
    is_public,
    read_url,
)
from tests.authorization_world import HandClock
from tests.client_servers import LOOPBACK, Answer, ClientServer, answers_of, client_server

INSIDE = FetchSettings(private_hosts=("app.test",), seconds=5.0)
PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1", "203.0.113.7", "192.88.99.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "100::1", "3fff::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::1", "2001:0:4136:e378::1",
    "not an address", "",
)  # fmt: skip
PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ClientServer]:
    async with client_server(tmp_path) as made:
        yield made


@pytest.fixture
async def fetcher(server: ClientServer, clock: HandClock) -> AsyncIterator[Fetcher]:
    async with Fetcher(clock, INSIDE, resolve=answers_of({"app.test": [LOOPBACK]}), tls=server.trusts) as made:
        yield made


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_known(address: str) -> None:
    """Covers: check 133."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_known_also_through_translation(address: str) -> None:
    """Covers: check 133."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/m.json", "HTTPS://app.example/", "file:///etc/passwd", "ftp://app.example/", "//a.example/",
        "https://user@app.example/", "https://user:pw@app.example/", "https://app.example:/", "https://app.example#x",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://1.2.3.0x4/", "https://localhost/",
        "https://intranet/", "https://app.example./", "https://app_x.example/", "https://App.example/",
        "https://app.example:22/", "https://app.example:0/", "https://app.example:99999/", "https://app.example\\@x/",
        "https://app.example/\r\nx: y", "https://app.example/ x", "https://bücher.example/", "https://" + "a" * 2_000,
        "https://-app.example/", "https:///path", "https://.example/",
    ],
)  # fmt: skip
def test_an_address_that_is_not_plainly_a_name_under_https_is_refused(url: str) -> None:
    """Covers: check 133."""
    with pytest.raises(CannotFetch):
        read_url(url)


@pytest.mark.parametrize(
    "url", ["https://app.example", "https://app.example:8443/m.json?v=1", "https://a-1.b.example/"]
)
def test_plain_addresses_are_read(url: str) -> None:
    """Covers: check 133."""
    assert read_url(url).text == url


async def test_a_document_is_fetched_by_a_named_private_host_with_nothing_of_ours_in_the_request(
    server: ClientServer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: check 133."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    server.answers["/m.json"] = Answer(b'{"a": 1}', headers=(("set-cookie", "s=1"),))
    for _ in range(2):
        assert (await fetcher.get(server.url("/m.json"), METADATA)).body == b'{"a": 1}'
    assert len(server.asked) == 2
    assert "cookie" not in server.asked[1].lower()
    assert "authorization" not in server.asked[1].lower()


@pytest.mark.parametrize(
    "addresses", [[LOOPBACK], ["::ffff:127.0.0.1"], ["93.184.216.34", LOOPBACK], ["64:ff9b::7f00:1"]]
)
async def test_a_name_with_one_private_address_is_not_dialled(
    server: ClientServer, clock: HandClock, addresses: list[str]
) -> None:
    """Covers: check 22, check 133."""
    server.answers["/m.json"] = Answer()
    async with Fetcher(clock, resolve=answers_of({"app.test": addresses}), tls=server.trusts) as fetcher:
        with pytest.raises(CannotFetch) as refused:
            await fetcher.get(server.url("/m.json"), METADATA)
    assert server.connections == 0
    assert LOOPBACK not in refused.value.message


async def test_a_named_private_host_may_still_not_be_link_local(server: ClientServer, clock: HandClock) -> None:
    """Covers: check 133."""
    resolve = answers_of({"app.test": ["169.254.169.254"]})
    async with Fetcher(clock, INSIDE, resolve=resolve, tls=server.trusts) as fetcher:
        with pytest.raises(CannotFetch, match="could not be fetched") as refused:
            await fetcher.get(server.url("/m.json"), METADATA)
    assert "addresses of app.test" in refused.value.detail


async def test_a_name_is_asked_for_once_and_the_answer_is_dialled(server: ClientServer, clock: HandClock) -> None:
    """A second answer that leads inside would never be seen (DNS rebinding). Covers: check 133."""
    server.answers["/m.json"] = Answer()
    given: list[Sequence[str]] = [[LOOPBACK], ["169.254.169.254"]]
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return given[len(asked) - 1]

    async with Fetcher(clock, INSIDE, resolve=rebinding, tls=server.trusts) as fetcher:
        await fetcher.get(server.url("/m.json"), METADATA)
        assert asked == ["app.test"]
        with pytest.raises(CannotFetch):
            await fetcher.get(server.url("/m.json?again"), METADATA)
    assert server.connections == 1


async def test_the_certificate_has_to_name_the_host(server: ClientServer, clock: HandClock) -> None:
    """Covers: check 133."""
    inside = FetchSettings(private_hosts=("other.test",))
    resolve = answers_of({"other.test": [LOOPBACK]})
    async with Fetcher(clock, inside, resolve=resolve, tls=server.trusts) as fetcher:
        with pytest.raises(CannotFetch) as refused:
            await fetcher.get(f"https://other.test:{server.port}/m.json", METADATA)
    assert "CERTIFICATE_VERIFY_FAILED" in refused.value.detail
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=302, headers=(("location", "/m2.json"),)), "status 302"),
        (Answer(status=307, headers=(("location", "https://127.0.0.1/"),)), "status 307"),
        (Answer(status=404), "status 404"),
        (Answer(status=201), "status 201"),
        (Answer(b"x" * 5_121), "more than 5120 bytes"),
        (Answer(content_type="text/html"), "content type text/html"),
        (Answer(content_type="application/jsonp"), "content type application/jsonp"),
        (Answer(content_type=None), "content type none"),
        (Answer(headers=(("content-encoding", "gzip"),)), "packed"),
    ],
)
async def test_what_is_not_a_small_document_of_the_right_kind_is_not_read(
    server: ClientServer, fetcher: Fetcher, answer: Answer, why: str
) -> None:
    """Covers: check 133."""
    server.answers |= {"/m.json": answer, "/m2.json": Answer()}
    with pytest.raises(CannotFetch) as refused:
        await fetcher.get(server.url("/m.json"), METADATA)
    assert why in refused.value.detail
    assert server.paths() == ["/m.json"]


async def test_five_kilobytes_are_read_and_key_sets_may_be_larger(server: ClientServer, fetcher: Fetcher) -> None:
    """Covers: check 133."""
    server.answers |= {"/5": Answer(b"x" * 5_120), "/64": Answer(b"x" * 65_536, "application/jwk-set+json")}
    assert len((await fetcher.get(server.url("/5"), METADATA)).body) == 5_120
    assert len((await fetcher.get(server.url("/64"), JWKS)).body) == 65_536


async def test_a_picture_that_is_a_program_is_not_read(server: ClientServer, fetcher: Fetcher) -> None:
    """Covers: check 46."""
    server.answers |= {"/a.svg": Answer(b"<svg/>", "image/svg+xml"), "/a.png": Answer(b"\x89PNG", "image/png")}
    assert (await fetcher.get(server.url("/a.png"), LOGO)).media_type == "image/png"
    with pytest.raises(CannotFetch):
        await fetcher.get(server.url("/a.svg"), LOGO)


async def test_a_server_that_takes_its_time_is_left(server: ClientServer, clock: HandClock) -> None:
    """Covers: check 133."""
    server.answers["/m.json"] = Answer(wait=asyncio.Event())
    quick = FetchSettings(private_hosts=("app.test",), seconds=0.2)
    async with Fetcher(clock, quick, resolve=answers_of({"app.test": [LOOPBACK]}), tls=server.trusts) as fetcher:
        with pytest.raises(CannotFetch) as refused:
            async with asyncio.timeout(4):
                await fetcher.get(server.url("/m.json"), METADATA)
    assert "too slow" in refused.value.detail


def test_five_seconds_are_the_most_unless_an_operator_says_otherwise() -> None:
    """Covers: check 133."""
    assert FetchSettings().seconds == 5.0
    assert FetchSettings().private_hosts == ()


async def test_a_host_is_asked_one_thing_at_a_time(server: ClientServer, clock: HandClock) -> None:
    """Covers: check 133."""
    go_on = asyncio.Event()
    paths = [f"/{number}" for number in range(4)]
    server.answers |= {path: Answer(wait=go_on) for path in paths}
    resolve = answers_of({"app.test": [LOOPBACK]})
    async with Fetcher(clock, INSIDE, resolve=resolve, tls=server.trusts) as fetcher:
        fetches = [asyncio.create_task(fetcher.get(server.url(path), METADATA)) for path in paths]
        await server.heard.wait()
        assert resolve.asked == ["app.test"]
        go_on.set()
        await asyncio.gather(*fetches)
    assert server.connections == 4
    assert server.most_at_once == 1


async def test_what_failed_is_not_asked_again_at_once(server: ClientServer, fetcher: Fetcher, clock: HandClock) -> None:
    """Covers: check 134."""
    for _ in range(3):
        with pytest.raises(CannotFetch):
            await fetcher.get(server.url("/m.json"), METADATA)
    assert server.connections == 1
    server.answers["/m.json"] = Answer()
    clock.pass_seconds(59)
    with pytest.raises(CannotFetch):
        await fetcher.get(server.url("/m.json"), METADATA)
    clock.pass_seconds(2)
    await fetcher.get(server.url("/m.json"), METADATA)
    assert server.connections == 2


async def test_a_message_is_posted_under_the_same_guard(
    server: ClientServer, fetcher: Fetcher, clock: HandClock
) -> None:
    """Covers: check 133."""
    server.answers |= {"/out": Answer(status=204), "/moved": Answer(status=307, headers=(("location", "/out"),))}
    assert await fetcher.post(server.url("/out"), b"logout_token=x", "application/x-www-form-urlencoded") == 204
    assert server.asked[0].endswith("\r\n\r\nlogout_token=x")
    assert await fetcher.post(server.url("/moved"), b"{}", "application/json", bearer="t") == 307
    assert server.paths() == ["/out", "/moved"]
    async with Fetcher(clock, resolve=answers_of({"app.test": [LOOPBACK]}), tls=server.trusts) as outside:
        with pytest.raises(CannotFetch):
            await outside.post(server.url("/out"), b"", "application/json")
    assert server.connections == 2


BOUNDS = Bounds(least=300, most=86_400, unsaid=3_600)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3_600),
        ({"cache-control": "max-age=1000"}, 1_000),
        ({"cache-control": "public, Max-Age=1000", "age": "400"}, 600),
        ({"cache-control": "max-age=5"}, 300),
        ({"cache-control": "max-age=999999999"}, 86_400),
        ({"cache-control": "no-store"}, 300),
        ({"cache-control": "max-age=1000, no-cache"}, 300),
        ({"cache-control": "max-age=x"}, 300),
        ({"expires": "Mon, 23 Nov 2026 12:20:00 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 1_200),
        ({"expires": "0", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 300),
        ({"expires": "Mon, 23 Nov 2026 12:20:00 GMT"}, 300),
    ],
)
def test_answers_are_kept_as_their_headers_say_within_bounds(headers: dict[str, str], seconds: int) -> None:
    """Covers: check 134."""
    assert fresh_for(headers, BOUNDS) == seconds


async def test_a_kept_document_is_fetched_again_only_when_it_is_old_or_lacks_something(
    server: ClientServer, fetcher: Fetcher, clock: HandClock
) -> None:
    """Covers: check 134."""
    kept = Kept(fetcher, clock, JWKS, bytes.decode, bounds=BOUNDS, most=2)
    server.answers["/k"] = Answer(b"one", headers=(("cache-control", "max-age=600"),))
    assert await kept.get(server.url("/k")) == "one"
    server.answers["/k"] = Answer(b"two")
    clock.pass_seconds(59)
    assert await kept.get(server.url("/k")) == "one"
    assert await kept.newer(server.url("/k"), 60) == "one"
    clock.pass_seconds(2)
    assert await kept.get(server.url("/k")) == "one"
    assert await kept.newer(server.url("/k"), 60) == "two"
    clock.pass_seconds(3_601)
    server.answers["/k"] = Answer(b"\xff")
    with pytest.raises(CannotFetch):
        await kept.get(server.url("/k"))
