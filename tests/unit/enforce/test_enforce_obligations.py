"""A permit is only as good as the adapter that keeps it: what it cannot enforce is denied, and said beforehand."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from grantline.cli.program import app
from grantline.gateway.adapters import asgi, envoy
from grantline.gateway.demands import Adapter, beyond
from grantline.gateway.enforce import Admitted, Refused
from grantline.model.events import EventType
from grantline.model.reasons import Reason
from tests.unit.enforce.world import CATALOG, World

FORGETFUL = Adapter("a forgetful proxy", frozenset())


async def test_what_the_adapter_cannot_enforce_is_refused_and_recorded(world: World) -> None:
    """Covers: idea 8."""
    call = world.call()
    assert isinstance(await world.gateway.decide(call), Admitted)
    answer = await world.gateway.decide(replace(world.call(), enforces=FORGETFUL.enforces))
    assert isinstance(answer, Refused)
    assert answer.deny.because is Reason.OBLIGATION_UNSUPPORTED
    last = (await world.events())[-1]
    assert (last.type, last.out, last.rsn) == (EventType.GATEWAY_DECISION, "deny", "obligation_unsupported")


def test_every_route_whose_answers_are_cut_is_named_for_an_adapter_that_cannot(world: World) -> None:
    file = world.catalog.file
    named = list(beyond(file, lambda _: FORGETFUL))
    cut = [(api, route.id) for api, entry in file.apis.items() for route in entry.routes if not route.unfiltered]
    assert len(named) == len(cut) > 2
    for (api, route), line in zip(cut, named, strict=True):
        assert line.startswith(f"$.apis.{api}.routes: {route} needs field_allow_list, which a forgetful proxy cannot")


@pytest.mark.parametrize("adapter", [asgi, envoy])
def test_our_adapters_can_cut(world: World, adapter) -> None:  # type: ignore[no-untyped-def]
    assert list(beyond(world.catalog.file, lambda _: Adapter("ours", adapter.ENFORCES))) == []


def test_check_looks_at_what_stands_before_each_api(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    settings = tmp_path / "grantline.toml"
    settings.write_text('[[fronts]]\napi = "bank"\ngateway = "bank"\nbase = "http://b"\nupstream = "http://u"\n')
    check = ["check", str(CATALOG), "--config", str(settings)]
    assert CliRunner().invoke(app, check).exit_code == 0
    monkeypatch.setattr(envoy, "ENFORCES", frozenset())
    found = CliRunner().invoke(app, check)
    assert found.exit_code == 1
    assert "$.apis.bank.routes" in found.output
    assert "$.apis.calendar" not in found.output
