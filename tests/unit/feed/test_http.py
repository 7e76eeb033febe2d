"""The door for gateways speaks plain HTTP properly: methods, and headers that keep answers from being misread."""

from typing import Any

import pytest

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.crypto.instance import instance_token
from grantline.model.calls import CallsWanted
from grantline.model.errors import AuditUnavailable
from grantline.model.feed import BUNDLE_PATH, CALLS_PATH, ENROL_PATH, FEED_PATH, TOKEN_PATH, VERSION_PATH
from grantline.model.ids import ConsentId, GatewayId
from grantline.signals import FeedServer
from grantline.signals.feed.enrolment import EnrolmentRequest, enrol, issue_token
from grantline.signals.feed.tell import Teller
from tests.feed_world import World

BANK = GatewayId("bank")
ISSUER = "https://authority.example"
VERSION = f"{VERSION_PATH}/g_1/1"
KNOWN = bytes(range(32))


class Door:
    """The authority's door for gateways, with one gateway enrolled."""

    def __init__(self) -> None:
        self.world, self.key = World(), SigningKey.generate()

        async def version_for(gateway: GatewayId, consent: ConsentId, version: int) -> None:
            return None

        async def bundle_for(gateway: GatewayId) -> Any:
            return {"for": gateway}

        async def token_for(gateway: GatewayId, digest: bytes) -> Any:
            return {"for": gateway} if digest == KNOWN else None

        async def calls_for(gateway: GatewayId, wanted: CallsWanted) -> int:
            return 7 if (gateway, wanted.consent) == (BANK, "g_1") else 0

        self.server = FeedServer(
            self.world.work, issuer=ISSUER, clock=self.world.clock, randomness=self.world.randomness,
            version_for=version_for, bundle_for=bundle_for, token_for=token_for, calls_for=calls_for,
        )  # fmt: skip

    async def enrolled(self) -> "Door":
        world, teller = self.world, Teller(self.world.clock, self.world.randomness)
        token = await world.work.write(lambda tx: issue_token(tx, BANK, world.clock, world.randomness))
        request = EnrolmentRequest(token, BANK, self.key.public.jwk)
        await world.work.write(lambda tx: enrol(tx, request, teller, world.clock))
        return self

    async def ask(self, method: str, path: str, *, proven: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one request without a body."""
        made = instance_token(self.key, BANK, ISSUER, self.world.clock, self.world.randomness)
        headers = [(b"authorization", f"Bearer {made}".encode())] if proven else []
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.server({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
        start, body = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], told, body["body"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ENROL_PATH, "POST"),
        ("GET", CALLS_PATH, "POST"),
        ("POST", BUNDLE_PATH, "GET, HEAD"),
        ("DELETE", VERSION, "GET, HEAD"),
        ("OPTIONS", VERSION, "GET, HEAD"),
        ("POST", FEED_PATH, "GET"),
    ],
)
async def test_a_wrong_method_is_told_which_are_right(method: str, path: str, allowed: str) -> None:
    """Covers: check 67; RFC 9110 §15.5.6."""
    for proven in (True, False):
        status, headers, _ = await Door().ask(method, path, proven=proven)
        assert (status, headers.get("allow")) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    [
        TOKEN_PATH,
        TOKEN_PATH + "/AAAA",
        "/gateway/nothing",
        VERSION_PATH + "/g_1",
        VERSION_PATH + "/g_1/x",
        "/",
        BUNDLE_PATH + "/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_not_there_is_not_found_by_any_method(method: str, path: str) -> None:
    status, headers, _ = await Door().ask(method, path)
    assert (status, "allow" in headers) == (404, False)


async def test_the_feed_without_an_upgrade_says_what_it_needs() -> None:
    """Covers: RFC 9110 §15.5.22."""
    door = Door()
    await door.server.start()
    status, headers, _ = await door.ask("GET", FEED_PATH)
    assert (status, headers["upgrade"], headers["connection"]) == (426, "websocket", "upgrade")


async def test_where_the_feed_is_not_kept_a_load_balancer_is_told_so() -> None:
    door = Door()
    assert (await door.ask("GET", FEED_PATH))[0] == 503
    await door.server.start()
    assert (await door.ask("GET", FEED_PATH))[0] == 426
    door.server.rest()
    assert (await door.ask("GET", FEED_PATH))[0] == 503


async def test_head_is_get_without_the_body() -> None:
    """Covers: RFC 9110 §9.3.2."""
    door = await Door().enrolled()
    whole, bare = await door.ask("GET", BUNDLE_PATH), await door.ask("HEAD", BUNDLE_PATH)
    assert (whole[0], whole[2]) == (200, b'{"for":"bank"}')
    assert (bare[0], bare[1], bare[2]) == (200, whole[1], b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", BUNDLE_PATH, 200),
        ("GET", VERSION, 404),
        ("POST", ENROL_PATH, 400),
        ("POST", CALLS_PATH, 400),
        ("GET", FEED_PATH, 426),
        ("PUT", BUNDLE_PATH, 405),
        ("GET", "/gateway/nothing", 404),
    ],
)
async def test_no_answer_may_be_kept_or_read_as_something_else(method: str, path: str, status: int) -> None:
    """Covers: check 93."""
    door = await Door().enrolled()
    await door.server.start()
    got, headers, _ = await door.ask(method, path)
    assert got == status
    assert (headers["content-type"], headers["cache-control"], headers["x-content-type-options"]) == (
        "application/json", "no-store", "nosniff",
    )  # fmt: skip


async def test_a_gateway_that_does_not_prove_itself_gets_nothing() -> None:
    door = await Door().enrolled()
    for path in (BUNDLE_PATH, VERSION, f"{TOKEN_PATH}/{b64url(KNOWN)}"):
        status, headers, _ = await door.ask("GET", path, proven=False)
        assert (status, headers["x-content-type-options"], headers["www-authenticate"]) == (401, "nosniff", "Bearer")


async def test_an_opaque_token_is_told_by_its_hash_to_the_gateway_that_has_to_do_with_it() -> None:
    """Covers: line 4 (opaque)."""
    door = await Door().enrolled()
    status, _, body = await door.ask("GET", f"{TOKEN_PATH}/{b64url(KNOWN)}")
    assert (status, body) == (200, b'{"for":"bank"}')
    assert (await door.ask("GET", f"{TOKEN_PATH}/{b64url(bytes(32))}"))[0] == 404
    assert (await door.ask("POST", f"{TOKEN_PATH}/{b64url(KNOWN)}"))[0] == 405


async def test_a_proof_that_cannot_be_used_up_is_not_answered() -> None:
    """Covers: idea 5. What cannot be remembered could be used again."""
    door = await Door().enrolled()

    async def full(_unit: Any, *, essential: bool = False) -> Any:
        raise AuditUnavailable("The disk is full; only withdrawals are accepted.")

    door.world.work.write = full  # type: ignore[method-assign]
    for path in (BUNDLE_PATH, VERSION, f"{TOKEN_PATH}/{b64url(KNOWN)}"):
        assert (await door.ask("GET", path))[0] == 503
