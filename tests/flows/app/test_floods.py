"""Nobody unknown fills the database: what may be begun before anybody is known is bounded for each address."""

from pathlib import Path

import pytest

from grantline.app.floods import network
from grantline.authorization.settings import Settings as AuthorizationSettings
from grantline.settings import Settings
from tests.instance_world import ISSUER, Instance, instance

BEGINNINGS = (
    ("GET", "/authorize?client_id=nobody"),
    ("POST", "/authorize"),
    ("GET", "/logout"),
    ("POST", "/sign-in/passkey/options"),
    ("GET", "/sign-in/with/company"),
)


@pytest.mark.parametrize(("method", "path"), BEGINNINGS)
async def test_the_next_one_too_many_waits_a_minute(tmp_path: Path, method: str, path: str) -> None:
    """Covers: check 97. Refused before anything is read; every other page answers as ever."""
    settings = Settings(authorization=AuthorizationSettings(beginnings_per_minute=2))
    async with instance(tmp_path, "one", settings=settings) as house:
        answers = [await house.visitor().http.request(method, ISSUER + path) for _ in range(3)]
        assert [answer.status_code == 429 for answer in answers] == [False, False, True]
        assert answers[2].headers["retry-after"] == "60"
        assert "Too many requests came from your network at once." in answers[2].text
        assert (await house.visitor().get("/sign-in")).status_code == 200
        assert (await house.visitor().get("/.well-known/openid-configuration")).status_code == 200


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::1", 5), "2001:db8:1:2::"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("testclient", 5), "testclient"),
        (None, ""),
    ],
)
def test_a_customer_of_ipv6_counts_once(client: tuple[str, int] | None, counted: str) -> None:
    """Whoever has a /64 has more addresses than we have room for."""
    assert network({"client": client}) == counted


async def test_a_usual_day_meets_no_bound(house: Instance) -> None:
    """The default lets a hundred a second through."""
    visitor = house.visitor()
    assert {(await visitor.get("/authorize?client_id=nobody")).status_code for _ in range(50)} == {400}
