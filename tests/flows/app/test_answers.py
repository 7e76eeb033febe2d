"""What every answer of the composed authority carries, whichever part of it gives it."""

import pytest
from structlog.testing import capture_logs

from tests.instance_world import ISSUER, Instance

GUARDED = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/enrol/x", "/consent/x", "/connections", "/connections/x/stop", "/nothing", "/authorize",
     "/authorize?client_id=nobody", "/authorize?client_id=budget&redirect_uri=https://evil.example/"],
)  # fmt: skip
async def test_every_page_carries_the_headers_of_all_pages(house: Instance, path: str) -> None:
    """Covers: checks 24, 25, 26, 28. Also the error page that the authorization endpoint answers with."""
    answer = await house.visitor().get(path)
    assert {name: answer.headers.get(name) for name in GUARDED} == GUARDED
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/sign-in/", "/connections/", "/static/x", "/consent/abc/", "//evil.example/sign-in"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_address_is_made_from_the_host_header(house: Instance, method: str, path: str) -> None:
    """Covers: checks 23, 127. An address that is not quite ours is no page; a form is never posted on."""
    answer = await house.visitor().http.request(method, ISSUER + path, headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert "evil" not in answer.text


async def test_a_page_that_cannot_do_that_says_what_it_can(house: Instance) -> None:
    """RFC 9110 §15.5.6: 405 names the methods there are."""
    for path, allowed in (("/sign-out", "POST"), ("/sign-in", "GET, HEAD, POST"), ("/connections", "GET, HEAD")):
        answer = await house.visitor().http.delete(path)
        assert answer.status_code == 405
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allowed.split(", "))


async def test_the_page_and_the_log_of_a_refused_request_share_one_reference(
    house: Instance,
) -> None:
    """Who quotes the page's reference is found in the log of the endpoint."""
    with capture_logs() as lines:
        page = (await house.visitor().get("/authorize?client_id=nobody")).text
    references = {line["reference"] for line in lines if "reference" in line}
    assert len(references) == 1
    assert references.pop() in page
