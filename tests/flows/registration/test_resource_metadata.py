"""An API says who gives tokens for it, and refusals lead there (RFC 9728)."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.adapters.envoy import Questions
from grantline.gateway.adapters.envoy_config import EnvoySettings, bootstrap
from grantline.gateway.enforce import Refused
from tests.authorization_world import ISSUER, World
from tests.unit.enforce.world import BANK, BASE, RESOURCE, TRANSACTIONS
from tests.unit.enforce.world import World as GatewayWorld

WELL_KNOWN = "/.well-known/oauth-protected-resource"
PLACE = WELL_KNOWN + urlsplit(RESOURCE).path


async def never(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the API was asked")


@pytest.fixture
async def gateway(tmp_path: Path):
    made = GatewayWorld(tmp_path / "gateway")
    yield made
    await made.spool.close()


async def ask(gateway: GatewayWorld, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=Enforced(never, gateway.gateway, BANK, BASE))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        return await client.request(method, path, headers=headers)


async def test_the_authority_describes_each_api_of_the_catalog(world: World) -> None:
    """Covers: line 5."""
    by_path = await world.http.get("/.well-known/oauth-protected-resource/bank")
    assert by_path.status_code == 200
    told = by_path.json()
    file = world.server.catalog().file
    assert told["resource"] == file.apis["bank"].resource
    assert told["authorization_servers"] == [ISSUER]
    assert set(told["scopes_supported"]) == {name for name, scope in file.scopes.items() if scope.api == "bank"}
    assert told["bearer_methods_supported"] == ["header"]
    assert "ES256" in told["dpop_signing_alg_values_supported"]
    assert told["dpop_bound_access_tokens_required"] is False
    assert told["authorization_details_types_supported"] == [file.apis["bank"].type]
    assert by_path.headers["access-control-allow-origin"] == "*"
    own = (await world.http.get(WELL_KNOWN)).json()
    assert (own["resource"], own["authorization_servers"]) == (ISSUER, [ISSUER])
    assert (await world.http.get(f"{WELL_KNOWN}/nothing")).status_code == 404
    assert (await world.http.post(f"{WELL_KNOWN}/bank")).status_code == 405


async def test_a_gateway_answers_at_the_well_known_path_of_its_api_without_asking_it(gateway: GatewayWorld) -> None:
    """Covers: line 5, check 159."""
    answer = await ask(gateway, PLACE)
    assert answer.status_code == 200
    assert answer.json()["resource"] == RESOURCE
    assert answer.json()["authorization_servers"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (await ask(gateway, PLACE, "HEAD")).content == b""


@pytest.mark.parametrize("path", [WELL_KNOWN, PLACE + "/more", PLACE.upper(), "//" + PLACE.lstrip("/")])
async def test_nothing_else_passes_undecided(gateway: GatewayWorld, path: str) -> None:
    """Covers: check 159."""
    assert (await ask(gateway, path)).status_code in {400, 401, 404}


async def test_another_method_at_that_path_is_a_call_like_any_other(gateway: GatewayWorld) -> None:
    """Covers: check 159."""
    assert (await ask(gateway, PLACE, "POST")).status_code == 401


async def test_a_refusal_says_where_the_metadata_stands(gateway: GatewayWorld) -> None:
    """Covers: check 159."""
    answer = await ask(gateway, TRANSACTIONS)
    assert answer.status_code == 401
    where = f'resource_metadata="{BASE[: BASE.index("/", 8)] if "/" in BASE[8:] else BASE}{PLACE}"'
    assert all(where in one for one in answer.headers.get_list("www-authenticate"))
    told = Questions(gateway.gateway, None, BANK, BASE)
    refused = await told.answer("GET", TRANSACTIONS, {})
    assert isinstance(refused, Refused)
    challenges = [value for name, value in told.told(refused).headers if name == "www-authenticate"]
    assert challenges
    assert all(where in one for one in challenges)


def test_envoy_lets_anybody_read_the_metadata_and_nothing_beside_it(tmp_path: Path) -> None:
    """Covers: check 159."""
    settings = EnvoySettings(
        port=1, upstream_host="127.0.0.1", upstream_port=2, decision_socket=tmp_path / "d",
        minimiser_socket=tmp_path / "m", access_log=tmp_path / "l",
    )  # fmt: skip
    listener = bootstrap(settings)["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    undecided = [route for route in routes if "typed_per_filter_config" in route]
    assert [route["match"] for route in undecided] == [{"path_separated_prefix": WELL_KNOWN}]
    assert undecided[0]["route"]["cluster"] == "minimiser"
