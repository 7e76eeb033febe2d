"""What a gateway signed for one call is worth nothing for any other: not again, not later, not elsewhere."""

import asyncio

import httpx2
import pytest

from grantline.app.places import Places
from grantline.model.ids import ApiId
from tests.whole_world import Connected, WholeWorld

pytestmark = pytest.mark.timeout(180)
PATH = "/accounts/acc-4821"
LEASE_S = 2.0


async def signed(world: WholeWorld, app: Connected) -> str:
    """The context that the real gateway signs for one call, asked for as Envoy asks."""
    socket = httpx2.AsyncHTTPTransport(uds=str(Places(world.data).decision_socket(ApiId("bank"))))
    async with httpx2.AsyncClient(transport=socket) as envoy:
        bearer = {"authorization": f"Bearer {app.tokens.access_token}"}
        answer = await envoy.get("http://gateway" + PATH, headers=bearer)
    assert answer.status_code == 200, answer.text
    return answer.headers["grantline-context"]


async def test_a_context_lets_one_call_through_once_in_time_and_nothing_else(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: line 2, feed C5. Whoever stands between gateway and API holds it, and brings it to the API itself."""
    world.register("overheard", dpop_bound=False)
    app = await world.connect(http, "overheard", bound=False)
    bank, log = world.address("bank"), world.folder / "logs" / "bank-calls.jsonl"

    async def brought(context: str, method: str = "GET", path: str = PATH) -> int:
        answer = await http.request(method, bank + path, headers={"grantline-context": context})
        return answer.status_code

    late, used = await signed(world, app), await signed(world, app)
    for method, path in (("GET", "/accounts/acc-0937"), ("GET", PATH + "?fields=iban"), ("POST", PATH)):
        assert await brought(used, method, path) == 401
    assert (await http.get(world.calendar + "/events", headers={"grantline-context": used})).status_code == 401
    assert await brought(used) == 200
    begun = log.read_text()
    assert await brought(used) == 401
    await asyncio.sleep(LEASE_S)
    assert await brought(late) == 401
    assert log.read_text() == begun, "nothing of it was begun"
