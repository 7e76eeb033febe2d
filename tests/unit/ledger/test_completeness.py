"""Was everything written? Told from leaves alone (AUDIT §5.3)."""

import msgspec
import orjson
import pytest
from typer.testing import CliRunner

from grantline.cli.program import app
from grantline.ledger.accounts import LEDGER
from grantline.ledger.completeness import OUTCOME_WITHIN_US, Counting, sentences
from grantline.ledger.export import export
from grantline.ledger.placing import Gap
from grantline.model.errors import Conflict, InvalidRequest
from grantline.model.events import EventType
from tests.ledger_world import Producer, SteadyClock, about, decision, event, ledger_in, outcome

HOUR = OUTCOME_WITHIN_US


def leaf(seq, kind="consent.given@1", *, prod="authority", boot="b_1", tc=1_700_000_000_000_000, **more):
    return orjson.dumps(
        {"prod": prod, "boot": boot, "pseq": seq, "type": kind, "tc": tc, "t": tc, "out": "permit"} | more
    )


def beat(seq, last, counts, **more):
    return leaf(seq, "producer.heartbeat@1", beat={"boot": "b_1", "last": last, "counts": counts}, **more)


def explains(kind, nos, seq=1):
    return leaf(seq, kind, prod=LEDGER, boot="b_l", of={"prod": "authority", "boot": "b_1", "nos": nos})


def counted(*leaves):
    counting = Counting()
    for index, each in enumerate(leaves):
        counting.take(index, each)
    return counting.account()


GIVEN = "consent.given@1"
CALL = {"ev": "ev-1", "prod": "gw1"}


@pytest.mark.parametrize(
    ("leaves", "words"),
    [
        ([leaf(1), leaf(3)], "numbers 2 to 2, after 2023"),
        ([leaf(2)], "numbers 1 to 1, before the first entry"),
        ([leaf(1), explains("log.repeated@1", [[2, 3]]), leaf(5)], "numbers 4 to 4"),
        ([leaf(1), explains("log.gap@1", [[2, 3]]), leaf(5)], "numbers 4 to 4"),
        ([leaf(1), leaf(1, "log.gap@1", prod="gw1", of={"prod": "authority", "boot": "b_1", "nos": [[2, 2]]}), leaf(3)],
         "numbers 2 to 2"),
        ([leaf(1), beat(2, 1, {GIVEN: 2})], "1 fewer entries than the heartbeat in entry 1"),
        ([leaf(1), leaf(1, "producer.heartbeat@1", boot="b_2", beat={"boot": "b_1", "last": 3, "counts": {}})],
         "numbers 2 to 3"),
        ([leaf(1, "gateway.decision@1", **CALL), leaf(1, tc=1_700_000_000_000_000 + HOUR)], "let through in entry 0"),
        ([leaf(1, "gateway.decision@1", **CALL), leaf(2, "gateway.outcome@1", prod="gw1", ev="ev-2")],
         "entry 1 is the outcome of a call that nobody let through"),
        ([leaf(1, "gateway.decision@1", **CALL | {"out": "deny"}), leaf(2, "gateway.outcome@1", **CALL)],
         "nobody let through"),
    ],
)  # fmt: skip
def test_what_is_missing_is_held_against_whoever_left_it_out(leaves, words):
    """Covers: AUDIT §4, AUDIT §5.3."""
    account = counted(*leaves)
    missing = [said for said in sentences(account) if said.startswith("MISSING")]
    assert len(missing) == 1, missing
    assert words in missing[0]
    assert not account.complete


@pytest.mark.parametrize(
    "leaves",
    [
        [leaf(1), leaf(2), leaf(1, boot="b_2")],
        [leaf(1), explains("log.repeated@1", [[2, 3]]), leaf(4)],
        [leaf(1), leaf(2), beat(3, 2, {GIVEN: 2})],
        [leaf(1), beat(3, 2, {GIVEN: 2}), explains("log.repeated@1", [[2, 2]])],
        [leaf(1), leaf(2, "finding.raised@1", rsn="event_refused"), beat(3, 2, {GIVEN: 2})],
        [leaf(1, "gateway.decision@1", **CALL), leaf(1, tc=1_700_000_000_000_000 + HOUR - 1)],
        [leaf(1, "gateway.decision@1", **CALL), leaf(2, "gateway.outcome@1", **CALL),
         leaf(3, "gateway.outcome@1", **CALL)],
        [leaf(1, "gateway.outcome@1", prod="gw1", ev="ev-0"), leaf(2, "gateway.decision@1", **CALL)],
    ],
)  # fmt: skip
def test_nobody_is_accused_who_told_everything(leaves):
    """Covers: AUDIT §5.3."""
    assert counted(*leaves).complete


def test_a_gap_that_the_ledger_recorded_is_told_with_its_time_and_stands():
    later = 1_700_000_060_000_000
    account = counted(leaf(1), explains("log.gap@1", [[2, 4]]), leaf(5, tc=later))
    assert account.complete
    assert next(sentences(account)) == (
        "recorded gap: authority/b_1 numbers 2 to 4, after 2023-11-14T22:13:20.000Z, before 2023-11-14T22:14:20.000Z"
    )


def test_what_a_producer_calls_itself_does_not_act_on_a_terminal():
    said = "".join(sentences(counted(leaf(2, boot="b\x1b[2J\n"))))
    assert said.isprintable()


async def test_numbers_spent_on_known_events_are_on_record(tmp_path):
    """After a crash a relay sends again what the ledger has, under a new boot. Covers: AUDIT §5.3."""
    async with ledger_in(tmp_path) as world:
        said = [about(), about()]
        await world.sequencer.append(Producer(boot="b_1").says(*said))
        await world.sequencer.append(Producer(boot="b_2").says(*said, about()))
        bodies = world.stores.entries.bodies(0, 100)
        assert counted(*bodies).complete
        assert not counted(*(one for one in bodies if b"log.repeated" not in one)).complete


async def test_a_hole_that_was_passed_is_a_recorded_gap(tmp_path):
    """Covers: AUDIT §5.3."""
    clock = SteadyClock()
    async with ledger_in(tmp_path, clock=clock) as world:
        producer = Producer()
        producer.says(about(), about())
        late = producer.says(about())
        with pytest.raises(Gap):
            await world.sequencer.append(late)
        clock.now_ns += 30_000_000_000
        await world.sequencer.append(late)
        account = counted(*world.stores.entries.bodies(0, 100))
    assert [(hole.first, hole.last, hole.recorded) for hole in account.holes] == [(1, 2, True)]


async def test_a_submission_with_one_wrong_event_changes_nothing(tmp_path):
    """What is refused must not spend the numbers of what stands beside it: the finding in its place needs one."""
    async with ledger_in(tmp_path) as world:
        known = about()
        await world.sequencer.append(Producer().says(known))
        fresh = about()
        mixed = Producer(boot="b_2").says(fresh, msgspec.structs.replace(known, act="take"), about())
        with pytest.raises(Conflict, match="event id"):
            await world.sequencer.append(mixed)
        assert world.stores.entries.find([fresh.event_id]) == {}
        assert ("authority", "b_2") not in world.stores.entries.cursors()
        double = await world.sequencer.append(Producer(boot="b_4").says(fresh, fresh))
        assert double.size == double.first_index + 2  # The leaf, and that its second number has none.
        twins = Producer(boot="b_3").says(fresh, msgspec.structs.replace(fresh, act="take"))
        with pytest.raises(Conflict, match="event id"):
            await world.sequencer.append(twins)


@pytest.mark.parametrize(
    "detail",
    [
        {}, {"boot": "b_1", "last": 1}, {"boot": "b_1", "last": -1, "counts": {}},
        {"boot": "", "last": 1, "counts": {}},
        {"boot": "b_1", "last": 1, "counts": {"anything": 1}}, {"boot": "b\n", "last": 1, "counts": {}},
        {"boot": "b_1", "last": 1, "counts": {GIVEN: -1}},
    ],
)  # fmt: skip
async def test_a_heartbeat_that_is_none_is_refused(tmp_path, detail):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidRequest, match="heartbeat"):
            await world.sequencer.append(Producer().says(event(EventType.HEARTBEAT, detail=detail)))


async def test_an_operator_and_an_auditor_read_the_same_account(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path / "data") as world:
        gateway, producer = Producer("gw1"), Producer()
        await world.sequencer.append(producer.says(about()))
        await world.sequencer.append(gateway.says(decision("g_one", "ev-1"), outcome("ev-1", 200)))
        counts = {"boot": "b_1", "last": 2, "counts": {"gateway.decision@1": 1, "gateway.outcome@1": 1}}
        await world.sequencer.append(gateway.says(event(EventType.HEARTBEAT, detail=counts)))
        await world.publish()
        export(world.published, tmp_path / "export")
        told = CliRunner().invoke(app, ["ledger", "verify", "--data", str(tmp_path / "data"), "--completeness"])
        again = CliRunner().invoke(app, ["ledger", "verify", "--export", str(tmp_path / "export"), "--completeness"])
        assert (told.exit_code, told.output) == (again.exit_code, again.output)
        assert told.exit_code == 0, told.output
        assert "last heard: gw1" in told.output
        # The one who tells the ledger leaves something out, and the ledger keeps what it got.
        said = Producer("gw1", "b_2").says(outcome("ev-9", 200))
        await world.sequencer.append(said)
        await world.publish()
        found = CliRunner().invoke(app, ["ledger", "verify", "--data", str(tmp_path / "data"), "--completeness"])
        assert (found.exit_code, "NOT COMPLETE" in found.output) == (1, True), found.output


async def test_a_held_checkpoint_is_where_reading_goes_on(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path / "data") as world:
        producer = Producer()
        for _ in range(3):
            await world.sequencer.append(producer.says(*(about() for _ in range(100))))
        await world.publish()
        held = tmp_path / "held"
        held.write_text(world.published.checkpoint())
        await world.sequencer.append(producer.says(*(about() for _ in range(5))))
        await world.publish()
        out = tmp_path / "export"
        export(world.published, out)
        await world.sequencer.append(producer.says(about()))
        await world.publish()
        newer = world.published.checkpoint()

    def verified(*more):
        return CliRunner().invoke(app, ["ledger", "verify", "--export", str(out), "--from", str(held), *more])

    assert verified().exit_code == 0
    first = out / "tile" / "entries" / "000"
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    assert verified().exit_code == 0  # Covered by what is held: only its hashes are read.
    assert "NOT VERIFIED" in verified("--completeness").output
    (out / "tile" / "0" / "000").write_bytes(bytes(8192))
    assert verified().exit_code == 1
    held.write_text(newer)
    assert "rollback: 307 entries were seen before" in verified().output
    held.write_text("nothing")
    assert "the checkpoint to start from" in verified().output
