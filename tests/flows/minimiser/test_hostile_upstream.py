"""Whatever an upstream answers, only what was granted reaches the client: by every way an answer is cut."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from tests.flows.minimiser.hostile import CASES, MARK, OBLIGATION, PASSING, Case, Upstream
from tests.flows.minimiser.surfaces import Gateway, Inside, Surface, ThroughEnvoy, ThroughHop, envoy

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALLOWED_HEADERS = {"content-type", "content-length", "cache-control", "transfer-encoding", "connection"}
ENVOY_HEADERS = {"date", "server", "x-request-id"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("gw")
    async with Upstream() as upstream, Gateway(directory, upstream).running() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["asgi", "hop", "envoy"])
async def surface(request: pytest.FixtureRequest, gateway: Gateway) -> AsyncIterator[Surface]:
    async with contextlib.AsyncExitStack() as stack:
        match request.param:
            case "asgi":
                yield Inside()
            case "hop":
                yield ThroughHop(gateway)
            case "envoy":
                yield await stack.enter_async_context(envoy(gateway))


def skip_where_unsayable(case: Case, surface: Surface) -> bool:
    return case.wire and isinstance(surface, Inside)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_only_what_was_granted_reaches_the_client(surface: Surface, case: Case) -> None:
    if skip_where_unsayable(case, surface):
        return
    got = await surface.fetch(f"/case/{case.name}")
    assert MARK not in got.raw
    assert set(got.headers) <= ALLOWED_HEADERS | (ENVOY_HEADERS if isinstance(surface, ThroughEnvoy) else set())
    if case.breaks and got.status == 200:
        assert not got.whole
    elif case.gives is not None:
        assert (got.status, got.body, got.whole) == (case.told, case.gives, True)
    else:
        assert (got.status, got.whole) == (case.told, True)
        assert got.headers["content-type"] == "application/problem+json"
        problem = orjson.loads(got.body)
        expected = "urn:grantline:reason:response_unfilterable" if case.status < 400 else "about:blank"
        assert (problem["type"], problem["status"]) == (expected, case.told)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_head_tells_nothing_of_the_body(surface: Surface, case: Case) -> None:
    """A length, a tag or a date would tell of fields that were not granted."""
    if skip_where_unsayable(case, surface):
        return
    got = await surface.fetch(f"/case/{case.name}", "HEAD")
    assert MARK not in got.raw
    assert str(len(case.body)) != got.headers.get("content-length")
    if case in PASSING:
        assert (got.status, got.body) == (case.told, b"")


async def test_the_suite_would_see_a_leak() -> None:
    """Every case that has a body carries the marker in something that was not granted."""
    assert OBLIGATION.fields == (("id",), ("owner", "name"))
    unmarked = {case.name for case in CASES if MARK not in case.body}
    packed = {case.name for case in CASES if "gzip" in case.name or case.name in {"deflate", "charset_utf16"}}
    assert unmarked - packed == {"no_content", "not_modified", "empty", "exact_numbers", "utf16_unsaid"}
