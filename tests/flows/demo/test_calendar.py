"""The demonstration's calendar is its own gateway: only agreed fields of agreed days leave its process."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.calendar import API, RESOURCE, calendar_api
from demo.calendar_data import AHEAD, BACK, events
from demo.calls import CallLog
from grantline.catalog import load_catalog
from grantline.gateway.adapters.asgi import Enforced
from grantline.model.consent import Item
from grantline.model.feed import Kind
from grantline.model.reasons import Reason
from grantline.sdk.resource_server import ContextVerifier, RequireGateway
from tests.unit.enforce.world import BASE, World

TODAY = date(2026, 11, 23)
FIELDS = ("start", "end", "title")


class Calendar:
    """The application as it is served, with a consent to three fields of the last ten days."""

    def __init__(self, folder: Path) -> None:
        self.world, self.log = World(folder), folder / "calendar.jsonl"
        item = Item(
            type="calendar_data", api=API, actions=("read",), datatype="events", fields=FIELDS, resources=(),
            purpose="budgeting", locations=(RESOURCE,), lookback_days=10,
        )  # fmt: skip
        self.world.version = self.world.agreed(item, resource_subjects=((API, "holder"),))
        keys = {"bank-1": [self.world.instance.public.jwk]}
        api = calendar_api(lambda: TODAY, CallLog(self.log, self.world.clock))
        door = RequireGateway(api, ContextVerifier(keys, RESOURCE, clock=self.world.clock))
        app = Enforced(door, self.world.gateway, API, BASE)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE)
        self.inside = httpx2.AsyncClient(transport=httpx2.ASGITransport(door), base_url=BASE)

    async def get(self, target: str = "/events", **headers: str) -> httpx2.Response:
        token = self.world.token(aud=(RESOURCE,), scope="calendar.events")
        proof = self.world.proof(token, BASE + target.partition("?")[0])
        return await self.http.get(target, headers={"authorization": f"DPoP {token}", "dpop": proof, **headers})

    def begun(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
async def calendar(tmp_path: Path):
    made = Calendar(tmp_path)
    yield made
    await made.world.spool.close()


async def test_exactly_the_agreed_fields_of_the_agreed_days_are_given(calendar: Calendar) -> None:
    answer = await calendar.get()
    oldest = (TODAY - timedelta(days=10)).isoformat()
    wanted = [
        {name: record[name] for name in FIELDS} for record in events("holder", TODAY, None) if record["start"] >= oldest
    ]
    assert (answer.status_code, answer.json()) == (200, {"events": wanted})
    assert len(wanted) < len(events("holder", TODAY, None))


async def test_what_was_not_agreed_is_refused_with_its_reason(calendar: Calendar) -> None:
    for target, reason in (("/events?fields=title,location", "field_not_granted"), ("/nothing", "route_unknown"),
                           ("/events?since=2026-01-01", "lookback_exceeded")):  # fmt: skip
        answer = await calendar.get(target)
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    assert calendar.begun() == []


async def test_nothing_begins_without_a_token_or_after_the_end(calendar: Calendar) -> None:
    assert (await calendar.http.get("/events")).status_code == 401
    assert (await calendar.inside.get("/events")).status_code == 401
    calendar.world.ends(Kind.GRANT, "g_1", Reason.GRANT_WITHDRAWN, min_epoch=2)
    answer = await calendar.get()
    assert (answer.status_code, answer.json()["reason"]) == (401, "grant_withdrawn")
    assert calendar.begun() == []


async def test_each_call_is_written_down_with_the_evaluation_of_its_decision(calendar: Calendar) -> None:
    await calendar.get(**{"grantline-context": "spoofed"})
    (line,) = calendar.begun()
    decided = [event.detail["evaluation"] for event in await calendar.world.events() if "decision" in event.type]
    assert [line["evaluation"]] == decided
    assert (line["grant"], line["route"]) == ("g_1", "/events")
    assert line["began_us"] < line["context_exp"] * 1e6


def test_every_field_of_the_catalog_is_in_the_events() -> None:
    catalog = load_catalog(Path(__file__).parents[3] / "demo" / "catalog.toml")
    (route,) = catalog.api(API).routes
    assert (route.path, route.records) == ("/events", ("events",))
    record = events("holder", TODAY, None)[0]
    assert set(catalog.data(API, "events").fields) < set(record)


def test_events_lie_around_today_and_are_the_same_every_time() -> None:
    found = events("partner", TODAY, None)
    assert found == events("partner", TODAY, None)
    assert found != events("holder", TODAY, None)
    days = [record["start"][:10] for record in found]
    assert days == sorted(days)
    assert (TODAY - timedelta(days=BACK)).isoformat() <= days[0]
    assert days[-1] < (TODAY + timedelta(days=AHEAD)).isoformat()
    assert events("partner", TODAY, TODAY) == [record for record in found if record["start"] >= TODAY.isoformat()]
