"""What is over goes, by class and month; holds keep; a pruned log still verifies (AUDIT §5.6)."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from grantline.ledger.completeness import Counting
from grantline.ledger.erasure import Order
from grantline.ledger.export import export
from grantline.ledger.inquiry.questions import ByClient, WhoAccessed
from grantline.ledger.published import Published
from grantline.ledger.retention.holds import HoldOrder, LiftOrder
from grantline.ledger.retention.policy import Policy, class_of, month_start, months
from grantline.ledger.settings import RetentionSettings, Settings
from grantline.ledger.verify import verify
from grantline.model.errors import AuditUnavailable, Conflict, InvalidConfiguration, InvalidRequest, NotFound
from grantline.model.events import EventType
from tests.ledger_world import SETTINGS, Producer, SteadyClock, about, decision, event, ledger_in

ROOT = Path(__file__).parents[3]
WHO = {"by": "eve", "reason": "ticket 7"}


def at(text):
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


def keeping(**days):
    return Settings(origin=SETTINGS.origin, retention=RetentionSettings(**days))


JANUARY, MARCH = at("2024-01-10"), at("2024-03-10")


async def filled(world, clock):
    """Ann and Bob in January, Ann again in March; of each a consent and a call."""
    producer, gateway = Producer(), Producer("gw1")
    for month, people in ((JANUARY, ("ann", "bob")), (MARCH, ("ann",))):
        clock.now_us = month
        for name in people:
            consent = f"g_{name}_{month}"
            await world.sequencer.append(producer.says(about(f"p_{name}", consent, t=month)))
            await world.sequencer.append(gateway.says(decision(consent, f"ev_{consent}", t=month)))


def sealed(world):
    """(type, month of commit) of every entry that has details."""
    entries = world.stores.entries
    size = entries.head().frontier.size
    found = [row.idx for row in entries.details(0, size)]
    leaves = [orjson.loads(body) for body in entries.bodies(0, size)]
    return sorted({(leaves[idx]["type"], datetime.fromtimestamp(leaves[idx]["tc"] / 1e6, UTC).month) for idx in found})


def told(world, kind):
    size = world.stores.entries.head().frontier.size
    return [leaf for body in world.stores.entries.bodies(0, size) if (leaf := orjson.loads(body))["type"] == kind]


CALL, GIVEN = "gateway.decision@1", "consent.given@1"


def of_people(world):
    return [each for each in sealed(world) if each[0] in (CALL, GIVEN)]


async def test_details_go_by_class_once_all_of_their_month_is_over(tmp_path):
    """Covers: AUDIT §5.6."""
    clock = SteadyClock(JANUARY)
    async with ledger_in(tmp_path, clock=clock, settings=keeping(standard_days=30, evidence_days=90)) as world:
        await filled(world, clock)
        all_of_them = of_people(world)
        clock.now_us = at("2024-03-01T23:00")
        assert await world.ledger.retention.purge() == ()  # 30 days before is still January.
        assert of_people(world) == all_of_them
        clock.now_us = at("2024-03-11")
        (calls,) = await world.ledger.retention.purge()
        assert (calls.kind, calls.month, calls.rows) == ("standard", "2024-01", 2)
        assert of_people(world) == [(GIVEN, 1), (GIVEN, 3), (CALL, 3)]
        told_of = told(world, EventType.RETENTION_PURGED)
        assert [leaf["id"] for leaf in told_of] == [calls.event]
        clock.now_us = at("2024-05-05")
        purges = {(each.kind, each.month): each.rows for each in await world.ledger.retention.purge()}
        assert purges[("evidence", "2024-01")] == 2
        assert of_people(world) == [(GIVEN, 3)]
        assert await world.ledger.retention.purge() == ()
        # What readers are kept ready goes with the details; the tree is as it was.
        assert [each.type for each in await world.ledger.inquiries.answer(ByClient(client="budget", **WHO))] == [GIVEN]
        assert world.sequencer.frontier.size > 6
        await world.publish()
        assert verify(world.published, rows=world.stores.entries).ok
        purges = len(told(world, EventType.RETENTION_PURGED))
    async with ledger_in(tmp_path, clock=clock, settings=keeping(standard_days=30, evidence_days=90)) as world:
        assert len(told(world, EventType.RETENTION_PURGED)) == purges


async def test_what_was_purged_is_in_no_file_any_more(tmp_path):
    """Covers: AUDIT §5.6."""
    clock = SteadyClock(JANUARY)
    async with ledger_in(tmp_path, clock=clock, settings=keeping(standard_days=30)) as world:
        await filled(world, clock)
        rows = world.stores.entries.details(0, 50)
        calls = [index for index, body in enumerate(world.stores.entries.bodies(0, 50)) if CALL.encode() in body]
        old = [row.sealed for row in rows if row.idx in calls[:2]]
        kept = [row.sealed for row in rows if row.idx in calls[2:]]
        clock.now_us = at("2024-03-11")
        await world.ledger.retention.purge()
        world.stores.close()
        files = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())
        assert all(each not in files for each in old)
        assert all(each in files for each in kept)


async def test_a_hold_keeps_one_person_and_lifting_it_lets_go(tmp_path):
    """Covers: AUDIT §5.6."""
    clock = SteadyClock(JANUARY)
    async with ledger_in(tmp_path, clock=clock, settings=keeping(standard_days=30, evidence_days=31)) as world:
        await filled(world, clock)
        retention = world.ledger.retention
        hold = await retention.hold(HoldOrder(person="p_ann", **WHO))
        clock.now_us = at("2024-03-11")
        await retention.purge()
        asked = await world.ledger.inquiries.answer(WhoAccessed(person="p_ann", **WHO))
        assert len(asked) == 2
        assert await world.ledger.inquiries.answer(WhoAccessed(person="p_bob", **WHO)) == ()
        with pytest.raises(Conflict, match="hold"):
            await world.ledger.eraser.erase(Order(person="p_ann", basis="art17", request="R"))
        with pytest.raises(NotFound):
            await retention.hold(HoldOrder(person="p_nobody", **WHO))
        lifted = await retention.lift(LiftOrder(hold=hold.id, **WHO))
        assert lifted.lifted == clock.now_us
        for again in (hold.id, "h_never"):
            with pytest.raises((Conflict, NotFound)):
                await retention.lift(LiftOrder(hold=again, **WHO))
        await retention.purge()
        assert len(await world.ledger.inquiries.answer(WhoAccessed(person="p_ann", **WHO))) == 1
        assert len(told(world, EventType.LEDGER_HELD)) == len(told(world, EventType.LEDGER_HOLD_LIFTED)) == 1
        await world.ledger.eraser.erase(Order(person="p_ann", basis="art17", request="R"))
    async with ledger_in(tmp_path, clock=clock, settings=keeping(standard_days=30, evidence_days=31)) as world:
        assert [(each.id, each.lifted is not None) for each in await world.ledger.retention.holds()] == [
            (hold.id, True)
        ]


async def test_a_hold_on_everything_stops_purging_pruning_and_erasing(tmp_path):
    clock = SteadyClock(JANUARY)
    async with ledger_in(
        tmp_path, clock=clock, settings=keeping(standard_days=30, evidence_days=31, entry_days=31)
    ) as world:
        await filled(world, clock)
        await world.sequencer.append(Producer("many").says(*(event() for _ in range(256))))
        await world.ledger.retention.hold(HoldOrder(**WHO))
        clock.now_us = at("2030-01-01")
        await world.publish()
        before = of_people(world)
        assert await world.ledger.retention.purge() == ()
        assert of_people(world) == before
        assert world.published.minimum() == 0
        with pytest.raises(Conflict):
            await world.ledger.eraser.erase(Order(person="p_bob", basis="art17", request="R"))


@pytest.mark.parametrize("step", ["drop_projected", "drop_details", "leave_no_copy", "tell"])
async def test_a_purge_that_a_crash_cut_short_is_finished_and_told_once(tmp_path, step, monkeypatch):
    clock = SteadyClock(JANUARY)
    settings = keeping(standard_days=30)
    async with ledger_in(tmp_path, clock=clock, settings=settings) as world:
        await filled(world, clock)
        clock.now_us = at("2024-03-11")
        purging = world.ledger.retention._purging

        def crash(*_args, **_more):
            raise AuditUnavailable("cut short")

        monkeypatch.setattr(*(purging._stream, "tell") if step == "tell" else (type(purging._store), step), crash)
        with pytest.raises(AuditUnavailable):
            await world.ledger.retention.purge()
        monkeypatch.undo()
    async with ledger_in(tmp_path, clock=clock, settings=settings) as world:
        await world.ledger.retention.purge()
        assert (CALL, 1) not in sealed(world)
        events = told(world, EventType.RETENTION_PURGED)
        assert len(events) == 1
        assert [each.rows for each in world.stores.retention.purges()] == [2]


async def pruned(tmp_path, clock):
    """A log of January's 600 entries and some of March's, pruned in May; an export of it."""
    settings = keeping(standard_days=30, evidence_days=30, entry_days=30)
    async with ledger_in(tmp_path / "data", clock=clock, settings=settings) as world:
        producer = Producer()
        for _ in range(6):
            await world.sequencer.append(producer.says(*(about() for _ in range(100))))
        clock.now_us = MARCH
        await world.sequencer.append(producer.says(*(about() for _ in range(100))))
        await world.publish()
        full = tmp_path / "full"
        export(world.published, full)
        clock.now_us = at("2024-03-11")
        await world.ledger.retention.purge()
        assert world.published.minimum() == 512
        assert len(world.stores.entries.bodies(0, 512)) == 0
        assert len(world.stores.entries.bodies(512, 513)) == 1
        await world.publish()
        assert not (world.places.public / "tile" / "entries" / "000").exists()
        out = tmp_path / "export"
        export(world.published, out)
    return full, out, settings


async def test_a_pruned_log_verifies_here_and_elsewhere_and_goes_on(tmp_path):
    """Covers: AUDIT §2 (pruning), AUDIT §5.6."""
    clock = SteadyClock(JANUARY)
    full, out, settings = await pruned(tmp_path, clock)
    report = verify(Published(out))
    assert (report.ok, report.minimum, report.problem) == (True, 512, None)
    counting = Counting()
    assert verify(Published(out), take=counting.take).ok
    assert counting.account().complete, counting.account()
    elsewhere = subprocess.run(  # noqa: ASYNC221 (nothing else runs here)
        [sys.executable, ROOT / "verifier" / "grantline_verify.py", "log", out, "--vkey", out / "log.vkey",
         "--min-index", "512"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert elsewhere.returncode == 0, elsewhere.stderr
    async with ledger_in(tmp_path / "data", clock=clock, settings=settings) as world:
        await world.sequencer.append(Producer("later").says(about()))
        await world.publish()
        assert verify(world.published, rows=world.stores.entries).ok
        assert (await world.ledger.retention.purge(), world.published.minimum()) == ((), 512)
        held = (full / "checkpoint").read_text()
        assert verify(world.published, since=held, rows=world.stores.entries).ok


async def test_entries_that_only_somebody_says_were_pruned_are_missing(tmp_path):
    """Whoever hides entries cannot put it down to pruning: the log itself has to tell of it. Covers: AUDIT §4."""
    clock = SteadyClock(JANUARY)
    full, out, _ = await pruned(tmp_path, clock)
    for log, minimum in ((full, 256), (out, 768), (full, 512)):
        found = Published(log)
        (log / "minimum").write_text(f"{minimum}\n")
        found.drop_bundles(minimum)
        report = verify(found)
        assert (report.ok, report.missing) == (False, True)
    (out / "minimum").unlink()
    assert not verify(Published(out)).ok
    (out / "minimum").write_text("512\n")
    assert verify(Published(out)).ok is ((out / "tile" / "entries" / "002.p").exists())
    tile = out / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert not verify(Published(out)).ok


async def test_a_start_after_pruning_needs_the_hashes_and_not_the_entries(tmp_path):
    clock = SteadyClock(JANUARY)
    _, _, settings = await pruned(tmp_path, clock)
    public = tmp_path / "data" / "ledger" / "public"
    for projections in (tmp_path / "data" / "ledger").glob("projections*"):
        projections.unlink()
    (public / "tile" / "1" / "000.p" / "2").unlink()
    async with ledger_in(tmp_path / "data", clock=clock, settings=settings) as world:
        assert verify(world.published, rows=world.stores.entries).ok
        of_client = await world.ledger.inquiries.answer(ByClient(client="budget", **WHO))
        assert len(of_client) == 100
        assert all(world.stores.entries.find([each.event_id]) == {each.event_id: each.index} for each in of_client)
    (public / "tile" / "0" / "000").unlink()
    with pytest.raises(InvalidConfiguration, match="tile/0/000 is missing"):
        async with ledger_in(tmp_path / "data", clock=clock, settings=settings):
            pass


@pytest.mark.parametrize(
    "order", [HoldOrder(by="", reason="x"), HoldOrder(by="x", reason=""), HoldOrder(by="x", reason="y" * 501)]
)
async def test_a_hold_says_who_and_why(tmp_path, order):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidRequest):
            await world.ledger.retention.hold(order)


@pytest.mark.parametrize(
    "days", [{"entry_days": 2_000}, {"standard_days": 3_000}, {"debug_days": 0}, {"evidence_days": 9_999}]
)
def test_periods_that_contradict_each_other_are_refused(days):
    with pytest.raises(InvalidConfiguration):
        Policy(RetentionSettings(**days))


def test_classes_and_months():
    assert class_of({"type": GIVEN, "ret": "debug"}) == "evidence"
    assert class_of({"type": CALL, "ret": "evidence"}) == "standard"
    assert class_of({"type": CALL, "ret": "debug"}) == "debug"
    assert class_of({"type": CALL, "ret": "nonsense"}) == "standard"
    assert month_start(at("2024-02-29T12:00")) == at("2024-02-01")
    found = list(months(at("2023-12-31"), at("2024-02-15")))
    assert found == [("2023-12", at("2024-01-01")), ("2024-01", at("2024-02-01"))]
