"""Counts for a controller's register and an assessor: what the entries hold, and nobody singled out."""

import pytest
from typer.testing import CliRunner

from grantline.cli import report
from grantline.cli.program import app
from grantline.ledger.inquiry.questions import Told
from grantline.ledger.reports.counting import Period, people
from grantline.ledger.reports.logging import KINDS, logging
from grantline.ledger.reports.processing import processing
from grantline.model.errors import NotFound
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, decision, event, ledger_in

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000
PERIOD = Period(since=NOW, until=NOW + HOUR)


async def filled(world):
    """Six people under one purpose, two under another; two calls were refused, and two are of another time."""
    named = [(f"p_{n}", f"g_{n}") for n in range(6)]
    await world.sequencer.append(Producer().says(*(about(*one, t=NOW) for one in named)))
    calls = [decision(f"g_{n}", f"ev_{n}", t=NOW + n, subject=f"sub-p_{n}") for n in range(6)]
    calls += [decision(f"g_{n}", f"ev_m{n}", t=NOW, subject=f"sub-p_{n}", purpose="marketing") for n in range(2)]
    calls += [decision("g_0", f"ev_d{n}", "deny", t=NOW + 9, subject="sub-p_0") for n in range(2)]
    calls += [decision("g_0", f"ev_o{t}", t=t, subject="sub-p_0") for t in (NOW - 1, NOW + HOUR)]
    await world.sequencer.append(Producer("gw1").says(*calls))
    await world.publish()


async def test_processing_is_counted_by_client_purpose_and_data(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        await filled(world)
        found = processing(world.published, PERIOD)
        told = [(one.client, one.purpose, one.data, one.allowed, one.refused, one.people) for one in found.activities]
        assert told == [
            ("budget", "budgeting", "transactions", 6, 2, "6"),
            ("budget", "marketing", "transactions", 2, 0, "fewer than 5"),
        ]
        last = world.published.last()
        assert (found.under.size, found.under.origin) == (last.size, last.origin)
        proofs = [one.proof for one in found.activities]
        assert set(world.stores.entries.find(proofs)) == set(proofs)


async def test_each_requirement_of_pci_is_counted_with_its_entries(tmp_path):
    """Covers: AUDIT §1 (PCI DSS 10.2.1)."""
    async with ledger_in(tmp_path) as world:
        await filled(world)
        more = (EventType.CLIENT_CHANGED, EventType.LEDGER_QUERIED, EventType.SIGN_IN_FAILED, EventType.METHOD_ADDED)
        await world.sequencer.append(Producer("other").says(*(event(kind, t=NOW) for kind in more)))
        await world.publish()
        found = logging(world.published, Period(since=0, until=1 << 52))
        counts = {one.requirement: one.count for one in found.kinds}
        assert counts == {
            "10.2.1.1": 10, "10.2.1.2": 1, "10.2.1.3": 1, "10.2.1.4": 3, "10.2.1.5": 1, "10.2.1.6": 1, "10.2.1.7": 6,
        }  # fmt: skip
        of = {one.requirement: one for one in found.kinds}
        assert (of["10.2.1.7"].first, of["10.2.1.7"].last) == (1, 6)
        empty = logging(world.published, Period(since=0, until=1)).kinds
        assert [(one.requirement, one.count, one.first) for one in empty] == [(name, 0, None) for name in KINDS]


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (1, "fewer than 5"), (4, "fewer than 5"), (5, "5")])
def test_few_people_are_not_counted_out(count, said):
    """Covers: AUDIT §5.8 (k ≥ 5)."""
    assert people(count) == said


def test_a_log_without_checkpoint_has_no_report(tmp_path):
    done = CliRunner().invoke(app, ["ledger", "report", "art30", "--data", str(tmp_path)])
    assert isinstance(done.exception, NotFound)


@pytest.mark.parametrize("arguments", [["art15"], ["art15", "ann"], ["art30", "ann"], ["pci10", "--reason", "x"]])
def test_what_a_report_needs_is_told(tmp_path, arguments):
    done = CliRunner().invoke(app, ["ledger", "report", *arguments, "--data", str(tmp_path)])
    assert (done.exit_code, "--reason" in done.output) == (2, True), done.output


def test_a_report_about_a_person_is_not_cut_at_a_page(tmp_path, monkeypatch):
    """More calls than one answer holds, several of them in the same microsecond where the pages meet."""
    all_of_them = [
        Told(index=n, event_id=f"e{n}", type="gateway.decision@1", t=NOW + n // 3, producer="gw1",
             out="deny" if n == 1_500 else "permit")
        for n in range(2_345)
    ]  # fmt: skip
    asked = []

    def answer(_data, question):
        window = question.window
        asked.append(question.reason)
        found = [one for one in all_of_them if window.since <= one.t < window.until]
        return tuple(sorted(found, key=lambda one: one.index, reverse=True)[: window.limit])

    async def person(_data, _name):
        return "p_ann"

    monkeypatch.setattr(report, "ask", answer)
    monkeypatch.setattr(report, "person_of", person)
    used = report._uses(tmp_path, "ann", "art15: R", Period(since=0, until=1 << 52))
    assert [one.index for one in used] == [n for n in range(2_345) if n != 1_500]
    assert set(asked) == {"art15: R"}
