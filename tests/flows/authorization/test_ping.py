"""A client that waits by ping is told that there is an answer, and nothing of it (CIBA §10.2)."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from grantline.authorization import Pinging
from grantline.authorization.pinging import WAITS_S
from grantline.fetching import CannotFetch
from grantline.model.events import EventType
from tests.authorization_world import World
from tests.flows.authorization.elsewhere_flows import PINGED, TOKEN, allow, ask, poll, refuse, waiting_handle


@pytest.fixture(autouse=True)
async def _clients(world: World) -> None:
    await world.register(PINGED)


@dataclass
class Ends:
    """The client's own end: what was posted there, and what it answers next (204 where nothing is said)."""

    posted: list[tuple[str, bytes, str, str | None]] = field(default_factory=list)
    answers: list[int | Exception] = field(default_factory=list)

    async def post(self, url: str, body: bytes, content_type: str, /, *, bearer: str | None = None) -> int:
        self.posted.append((url, body, content_type, bearer))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return answer


async def pinged(world: World, do: Any = allow) -> str:
    """An answered request of a client that wants to be told."""
    asked = await ask(world, PINGED, client_notification_token=TOKEN)
    assert asked.status_code == 200, asked.text
    await do(world, await waiting_handle(world), world.session or await world.sign_in())
    return str(asked.json()["auth_req_id"])


@pytest.mark.parametrize("do", [allow, refuse])
async def test_a_ping_tells_that_there_is_an_answer_and_nothing_of_it(world: World, do: Any) -> None:
    """CIBA §10.2."""
    ends = Ends()
    pinging = Pinging(world.server, ends)
    handle = await pinged(world, do)
    assert (await pinging.step(), await pinging.step()) == (1, 0)
    body = orjson.dumps({"auth_req_id": handle})
    assert ends.posted == [("https://pinged.example/told", body, "application/json", TOKEN)]
    answer = await poll(world, handle, PINGED)
    assert answer.status_code == (200 if do is allow else 400)


async def test_a_client_by_ping_sends_its_token(world: World) -> None:
    assert (await ask(world, PINGED)).json()["error"] == "invalid_request"
    bad = await ask(world, PINGED, client_notification_token="with space")
    assert bad.json()["error"] == "invalid_request"


async def test_a_ping_is_tried_again_within_reason(world: World) -> None:
    """Then it is a finding, and the client may still ask by itself."""
    ends = Ends(answers=[503, CannotFetch("https://pinged.example/told", "too slow"), 500, 502, 204])
    pinging = Pinging(world.server, ends)
    handle = await pinged(world)
    for wait in (*WAITS_S, 60, 60):
        await pinging.step()
        assert await pinging.step() == 0
        world.clock.pass_seconds(wait)
    assert len(ends.posted) == 1 + len(WAITS_S)
    findings = [event.rsn for event in await world.events() if event.type is EventType.FINDING]
    assert findings == ["ping_not_taken"]
    assert (await poll(world, handle, PINGED)).status_code == 200


@pytest.mark.parametrize("status", [302, 307, 400, 404])
async def test_a_redirect_or_a_refusal_of_a_ping_is_its_last(world: World, status: int) -> None:
    ends = Ends(answers=[status])
    pinging = Pinging(world.server, ends)
    await pinged(world)
    assert await pinging.step() == 1
    world.clock.pass_seconds(60)
    assert await pinging.step() == 0
    assert len(ends.posted) == 1
    findings = [event.rsn for event in await world.events() if event.type is EventType.FINDING]
    assert findings == ["ping_not_taken"]


async def test_who_fetched_the_answer_already_is_not_told(world: World) -> None:
    ends = Ends()
    handle = await pinged(world)
    assert (await poll(world, handle, PINGED)).status_code == 200
    assert await Pinging(world.server, ends).step() == 1
    assert ends.posted == []
    assert EventType.FINDING not in [event.type for event in await world.events()]
