"""An investigator's questions: answered from what is kept ready, recorded before they are answered."""

import sqlite3

import msgspec
import orjson
import pytest

from grantline.ledger.erasure import Order
from grantline.ledger.inquiry.answers import MOST, Inquiries
from grantline.ledger.inquiry.port import Crowd, Window
from grantline.ledger.inquiry.questions import (
    ByClient,
    Consented,
    Crowded,
    Marked,
    OfToken,
    Queried,
    Traced,
    WhoAccessed,
)
from grantline.ledger.inquiry.words import sentence
from grantline.ledger.room import LOOK_NS, Space
from grantline.model.errors import AuditUnavailable, InvalidRequest
from grantline.model.events import EventType, jti_hash
from grantline.storage.sqlite import ledger_inquiry
from grantline.storage.sqlite.ledger import PROJECTIONS_FILE
from grantline.storage.statements import Statement
from tests.ledger_world import Disk, Producer, SteadyClock, about, decision, event, ledger_in, outcome

NOW = 1_700_000_000_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
WHO = {"by": "eve", "reason": "ticket 7"}


def given(consent="g_one", person="p_ann", purposes=("budgeting",), **members):
    detail = {"granted": [{"type": "bank", "purpose": purpose} for purpose in purposes]}
    return about(person, consent, version=1, t=NOW, detail=detail, **members)


def call(evaluation, at, consent="g_one", out="permit", **members):
    """A call `at` seconds after the consent was given."""
    return decision(consent, evaluation, out, t=NOW + round(at * 1e6), version=1, **members)


def withdrawn(at, consent="g_one", person="p_ann"):
    said = about(person, consent, act="withdraw", t=NOW + round(at * 1e6))
    return msgspec.structs.replace(said, type=EventType.CONSENT_WITHDRAWN)


async def ask(world, question):
    return await inquiries(world).answer(question)


def inquiries(world) -> Inquiries:
    return world.ledger.inquiries


async def test_who_accessed_tells_each_call_with_purpose_consent_and_result(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given(), given("g_bob", "p_bob")))
        gateway = Producer("gw1")
        await world.sequencer.append(
            gateway.says(
                call("ev_1", 1),
                outcome("ev_1", 200),
                call("ev_2", 2, out="deny", rsn="purpose_not_consented"),
                call("ev_3", 3, "g_bob"),
            )
        )
        told = await ask(world, WhoAccessed(person="p_ann", **WHO))
        assert [
            (each.t - NOW, each.consent, each.client, each.purpose, each.out, each.reason, each.status) for each in told
        ] == [
            (2_000_000, "g_one", "budget", "budgeting", "deny", "purpose_not_consented", None),
            (1_000_000, "g_one", "budget", "budgeting", "permit", None, 200),
        ]  # fmt: skip
        window = Window(since=NOW + 1_500_000, until=NOW + 2_000_000)
        assert await ask(world, WhoAccessed(person="p_ann", window=window, **WHO)) == ()
        assert len(await ask(world, WhoAccessed(person="p_ann", window=Window(limit=1), **WHO))) == 1
        assert await ask(world, WhoAccessed(person="p_nobody", **WHO)) == ()


async def test_a_trace_is_the_story_of_consent_call_and_answer(tmp_path):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given(), given("g_bob", "p_bob")))
        gateway = Producer("gw1")
        await world.sequencer.append(gateway.says(call("ev_1", 1, trace=TRACE), outcome("ev_1", 200), call("ev_2", 2)))
        told = await ask(world, Traced(trace=TRACE, **WHO))
        assert [sentence(each) for each in reversed(told)] == [
            "2023-11-14T22:13:20.000Z  the person gave budget consent for budgeting, under consent g_one version 1",
            "2023-11-14T22:13:21.000Z  gw1 let budget read transactions (amount, date) of bank for budgeting; "
            "the API answered 200, under consent g_one version 1",
        ]  # fmt: skip


async def test_a_consent_is_told_from_the_yes_to_the_end_with_its_calls(tmp_path):
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given()))
        await world.sequencer.append(Producer("gw1").says(call("ev_1", 1)))
        await world.sequencer.append(Producer(boot="b_2").says(withdrawn(2)))
        told = await ask(world, Consented(consent="g_one", **WHO))
        assert [each.type for each in told] == ["consent.withdrawn@1", "gateway.decision@1", "consent.given@1"]
        assert await ask(world, Consented(consent="g_never", **WHO)) == ()


async def test_acts_of_a_client_and_uses_of_a_token(tmp_path):
    async with ledger_in(tmp_path) as world:
        token = jti_hash("token-1")
        issued = event(
            EventType.TOKEN_ISSUED, client="budget", consent="g_one", jti_hash=token, act="issue", res="token"
        )
        await world.sequencer.append(Producer().says(given(), issued, event(EventType.SIGN_IN, person="p_ann")))
        await world.sequencer.append(
            Producer("gw1").says(call("ev_1", 1, jti_hash=token), call("ev_2", 2, client="other"))
        )
        assert [each.index for each in await ask(world, ByClient(client="budget", **WHO))] == [4, 2, 1]
        assert [each.index for each in await ask(world, OfToken(jti_hash=token, **WHO))] == [4, 2]


@pytest.mark.parametrize("order", ["end first", "call first"])
async def test_a_call_let_through_after_the_end_is_found_whoever_tells_first(tmp_path, order):
    """Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given()))
        end, calls = (
            (Producer(boot="b_2").says(withdrawn(2)),),
            (Producer("gw1").says(call("ev_1", 2), call("ev_2", 2.1)),),
        )
        for submission in (*end, *calls) if order == "end first" else (*calls, *end):
            await world.sequencer.append(submission)
        late = await ask(world, Marked(mark="after-end", **WHO))
        assert [each.t - NOW for each in late] == [2_100_000]
        stopped = outcome("ev_2", 401, out="deny", rsn="grant_withdrawn")
        await world.sequencer.append(Producer("gw2").says(stopped))
        assert await ask(world, Marked(mark="after-end", **WHO)) == ()


@pytest.mark.parametrize("restart", [False, True])
async def test_a_purpose_that_no_version_had_and_a_permit_after_a_refusal_are_found(tmp_path, restart):
    """Covers: AUDIT §5.8. What is not at hand is read again, so a restart changes nothing."""
    first = [call("ev_1", 1, purpose="marketing", out="deny", rsn="purpose_not_consented")]
    then = [call("ev_2", 2, purpose="marketing"), call("ev_3", 3), call("ev_4", 4, out="deny"), call("ev_5", 605)]
    gateway = Producer("gw1")
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given()))
        await world.sequencer.append(gateway.says(*first, *(() if restart else then)))
        if not restart:
            await found_odd(world)
    if restart:
        async with ledger_in(tmp_path) as world:
            await world.sequencer.append(gateway.says(*then))
            await found_odd(world)


async def found_odd(world):
    other = await ask(world, Marked(mark="other-purpose", **WHO))
    after = await ask(world, Marked(mark="after-refusal", **WHO))
    assert [(each.t - NOW) // 1_000_000 for each in other] == [2]
    assert [(each.t - NOW) // 1_000_000 for each in after] == [2]


async def test_who_is_not_known_is_not_accused(tmp_path):
    """A gateway may tell of a call before the authority tells of the consent: then no purpose is a wrong one yet."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer("gw1").says(call("ev_1", 1, "g_early")))
        assert await ask(world, Marked(mark="other-purpose", **WHO)) == ()


async def test_a_client_that_reaches_many_people_in_an_hour_is_found(tmp_path):
    """Covers: AUDIT §5.8."""
    hour = NOW // 3_600_000_000 * 3_600_000_000
    async with ledger_in(tmp_path) as world:
        people = [f"{n}" for n in range(4)]
        await world.sequencer.append(Producer().says(*(given(f"g_{n}", f"p_{n}") for n in people)))
        await world.sequencer.append(
            Producer("gw1").says(*(call(f"ev_{n}{m}", 1, f"g_{n}") for n in people for m in "ab"))
        )
        assert await ask(world, Crowded(more_than=3, **WHO)) == (Crowd("budget", hour, 4),)
        assert await ask(world, Crowded(more_than=4, **WHO)) == ()


async def test_every_question_is_on_record_before_it_is_answered(tmp_path):
    """Covers: AUDIT §4, AUDIT §5.8."""
    disk, clock = Disk(50, 100), SteadyClock()
    async with ledger_in(tmp_path, space=disk, clock=clock) as world:
        await world.sequencer.append(Producer().says(given()))
        before = world.stores.entries.head().frontier.size
        await ask(world, WhoAccessed(person="p_ann", **WHO))
        await ask(world, WhoAccessed(person="p_nobody", **WHO))
        await ask(world, Crowded(more_than=1, **WHO))
        leaves = [orjson.loads(body) for body in world.stores.entries.bodies(before, before + 9)]
        assert [leaf["type"] for leaf in leaves] == [EventType.LEDGER_QUERIED] * 3
        assert leaves[0]["ps"]  # Under the person's own key: it is about them, and ends with them.
        assert "ps" not in leaves[1]
        assert world.stores.keys.of("person:p_nobody") == []
        asked = await ask(world, Queried(**WHO))
        assert [(each.by, each.asked) for each in asked] == [
            ("eve", "crowds"),
            ("eve", "who-accessed"),
            ("eve", "who-accessed"),
        ]
        disk.now, clock.now_ns = Space(0, 100), clock.now_ns + LOOK_NS
        with pytest.raises(AuditUnavailable):
            await ask(world, WhoAccessed(person="p_ann", **WHO))
        disk.now, clock.now_ns = Space(50, 100), clock.now_ns + LOOK_NS
        assert await ask(world, WhoAccessed(person="p_ann", **WHO)) == ()


@pytest.mark.parametrize(
    "question",
    [
        WhoAccessed(by="", reason="x", person="p"), WhoAccessed(by="x", reason="", person="p"),
        WhoAccessed(by="x", reason="y" * 501, person="p"), Traced(trace="t" * 501, **WHO),
        Queried(window=Window(limit=0), **WHO), Queried(window=Window(limit=MOST + 1), **WHO),
    ],
)  # fmt: skip
async def test_a_question_without_who_and_why_or_out_of_bounds_is_refused(tmp_path, question):
    async with ledger_in(tmp_path) as world:
        with pytest.raises(InvalidRequest):
            await ask(world, question)


async def test_of_an_erased_person_only_the_leaf_is_left(tmp_path):
    """Covers: AUDIT §5.5."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given()))
        await world.sequencer.append(Producer("gw1").says(call("ev_1", 1, trace=TRACE)))
        await ask(world, WhoAccessed(person="p_ann", **WHO))
        await world.ledger.eraser.erase(Order(person="p_ann", basis="art17", request="R", evidence=True))
        for question in (
            WhoAccessed(person="p_ann", **WHO), Traced(trace=TRACE, **WHO), Consented(consent="g_one", **WHO),
            ByClient(client="budget", **WHO),
        ):  # fmt: skip
            assert await ask(world, question) == ()


def statements():
    return [
        statement
        for value in vars(ledger_inquiry).values()
        for statement in (value if isinstance(value, list) else [value])
        if isinstance(statement, Statement)
    ]


@pytest.mark.parametrize("statement", statements(), ids=lambda statement: statement.sql.split("FROM")[0][-30:].strip())
async def test_every_question_reads_an_index_and_no_haystack(tmp_path, statement):
    """So an answer takes as long among ten million entries as among ten. Covers: AUDIT §5.8."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(given()))
    database = sqlite3.connect(tmp_path / "ledger" / PROJECTIONS_FILE)
    names = dict.fromkeys(statement._order, 1)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.bind(names))]
    database.close()
    reads = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    wanted = "accesses_odd" if "odd >" in statement.sql and "UPDATE" not in statement.sql else "USING"
    assert reads
    assert all(wanted in step for step in reads), plan
    if "client = ?" in statement.sql:
        assert not [step for step in plan if "TEMP B-TREE" in step], plan
