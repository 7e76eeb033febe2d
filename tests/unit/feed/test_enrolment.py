"""A gateway becomes known by a token that works once, for one name, for half an hour; later its key speaks."""

import json
from typing import Any

import pytest

from grantline.crypto.es256 import InvalidJws, SigningKey
from grantline.crypto.instance import instance_token
from grantline.model.errors import InvalidRequest
from grantline.model.events import EventType
from grantline.model.ids import GatewayId
from grantline.signals.feed.enrolment import EnrolmentRequest, enrol, issue_token
from grantline.signals.feed.identify import Identify
from grantline.signals.feed.tell import Teller
from tests.feed_world import World

BANK = GatewayId("bank")
ISSUER = "https://authority.example"


class Desk:
    """An authority that enrols."""

    def __init__(self) -> None:
        self.world = World()
        self.teller = Teller(self.world.clock, self.world.randomness)
        self.identify = Identify(self.world.work, ISSUER, self.world.clock)
        self.key = SigningKey.generate()

    async def token(self, gateway: GatewayId = BANK) -> str:
        world = self.world
        return await world.work.write(lambda tx: issue_token(tx, gateway, world.clock, world.randomness))

    async def enrol(self, token: str, gateway: GatewayId = BANK, jwk: dict[str, str] | None = None) -> None:
        request = EnrolmentRequest(token, gateway, jwk or self.key.public.jwk)
        await self.world.work.write(lambda tx: enrol(tx, request, self.teller, self.world.clock))

    def header(self, name: str = "bank", audience: str = ISSUER) -> list[tuple[bytes, bytes]]:
        made = instance_token(self.key, name, audience, self.world.clock, self.world.randomness)
        return [(b"authorization", f"Bearer {made}".encode())]


async def test_a_token_enrols_one_gateway_once_and_is_kept_as_a_hash() -> None:
    """Covers: idea 5."""
    desk = Desk()
    token = await desk.token()
    assert token not in json.dumps(
        [list(row) for row in desk.world.work.connection.execute("SELECT * FROM gateway_tokens")]
    )
    await desk.enrol(token)
    assert (await desk.identify.gateway(desk.header())).gateway == "bank"
    with pytest.raises(InvalidRequest):
        await desk.enrol(token)
    event = desk.world.events()[0]
    assert event.type is EventType.GATEWAY_ENROLLED
    assert event.detail == {"gateway": "bank", "jwk": {k: desk.key.public.jwk[k] for k in ("kty", "crv", "x", "y")}}


async def test_a_wrong_binding_spends_nothing() -> None:
    """Covers: idea 5."""
    desk = Desk()
    token = await desk.token()
    private: Any = {**desk.key.public.jwk, "d": "AAAA"}
    for gateway, jwk in ((GatewayId("other"), None), (BANK, private), (BANK, {"kty": "RSA"})):
        with pytest.raises(InvalidRequest):
            await desk.enrol(token, gateway, jwk)
    assert desk.world.events() == []
    await desk.enrol(token)


async def test_a_token_ends_after_half_an_hour_and_a_key_has_one_owner() -> None:
    """Covers: idea 5."""
    desk = Desk()
    late = await desk.token()
    desk.world.pass_ms(30 * 60 * 1_000)
    with pytest.raises(InvalidRequest):
        await desk.enrol(late)
    await desk.enrol(await desk.token())
    with pytest.raises(InvalidRequest, match="another gateway"):
        await desk.enrol(await desk.token(GatewayId("other")), GatewayId("other"))


async def test_only_the_key_of_that_gateway_speaks_for_it_once_and_for_a_minute_at_most() -> None:
    """Covers: idea 5."""
    desk = Desk()
    with pytest.raises(InvalidJws, match="unknown key"):
        await desk.identify.gateway(desk.header())
    await desk.enrol(await desk.token())
    once = desk.header()
    assert (await desk.identify.gateway(once)).gateway == "bank"
    for headers, why in (
        (once, "used before"),
        (desk.header(name="calendar"), "another gateway"),
        (desk.header(audience="ledger"), "another audience"),
        ([], "exactly one"),
        ([*desk.header(), *desk.header()], "exactly one"),
        ([(b"authorization", b"Basic x")], "scheme"),
    ):
        with pytest.raises(InvalidJws, match=why):
            await desk.identify.gateway(headers)
    late = desk.header()
    desk.world.pass_ms(36_000)
    with pytest.raises(InvalidJws, match="time"):
        await desk.identify.gateway(late)


async def test_a_token_that_was_used_stays_used_over_a_restart_and_at_another_process() -> None:
    """Covers: idea 5."""
    desk = Desk()
    await desk.enrol(await desk.token())
    used, unused = desk.header(), desk.header()
    await desk.identify.gateway(used)
    another = Identify(desk.world.work, ISSUER, desk.world.clock)
    with pytest.raises(InvalidJws, match="used before"):
        await another.gateway(used)
    assert (await another.gateway(unused)).gateway == "bank"


async def test_what_was_refused_uses_nothing_up() -> None:
    desk = Desk()
    await desk.enrol(await desk.token())
    with pytest.raises(InvalidJws):
        await desk.identify.gateway(desk.header(name="calendar"))
    assert desk.world.work.connection.execute("SELECT count(*) FROM burned").fetchone()[0] == 0
    await desk.identify.gateway(desk.header())
    assert desk.world.work.connection.execute("SELECT count(*) FROM burned").fetchone()[0] == 1


async def test_an_enrolment_anew_ends_the_older_key_and_a_removed_gateway_is_unknown() -> None:
    """Covers: idea 5."""
    desk = Desk()
    await desk.enrol(await desk.token())
    older, desk.key = desk.header(), SigningKey.generate()
    await desk.enrol(await desk.token())
    with pytest.raises(InvalidJws):
        await desk.identify.gateway(older)
    assert (await desk.identify.gateway(desk.header())).gateway == "bank"
    await desk.world.start()
    assert await desk.world.feed.remove(BANK)
    with pytest.raises(InvalidJws):
        await desk.identify.gateway(desk.header())
