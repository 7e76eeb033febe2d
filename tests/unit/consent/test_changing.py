"""A change of what stands: what is new, what stays, what goes, and what the person is shown of it."""

import pytest

from grantline.consent import Manner, Picks, words
from grantline.consent.versions import text_hash
from grantline.model.errors import Conflict, InvalidRequest, NotFound
from grantline.model.events import EventType
from grantline.model.feed import Kind
from grantline.model.reasons import Reason
from tests.consent_world import BALANCE, BANK, DAY, HOLDER, MERCHANT, OTHER


def asked_for(world, before, manner, *scopes):
    change = world.change(before, manner, *scopes)
    return change, world.offer(change.asked, change)


async def renewed(world, consent, change, picks):
    approval = world.approval(picks, change)
    return await world.work.write(
        lambda tx: world.consents.renew(
            tx, catalog=world.catalog, consent=consent, person=HOLDER, approval=approval, why=change.manner.value
        )
    )


async def granted(world, *lines, accounts=("a1",)):
    state, version = await world.given(Picks(frozenset(lines), {BANK: accounts}, 90))
    return state.consent_id, version


def fields(version):
    return {item.datatype: set(item.fields) for item in version.granted}


async def test_an_addition_keeps_what_stood_and_adds_what_was_taken(world):
    """Covers: T6, I7."""
    consent, before = await granted(world, MERCHANT)
    change, offer = asked_for(world, before, Manner.MERGE, "bank.balances")
    amended = await renewed(world, consent, change, Picks(frozenset({BALANCE}), {BANK: ("a2",)}, 90))
    after = amended.version
    assert fields(after) == {**fields(before), "accounts": {"balance"}}
    # What stood goes on for its own accounts; what is new is for those picked now.
    assert {item.datatype: item.resources for item in after.granted} == {"transactions": ("a1",), "accounts": ("a2",)}
    assert (after.version, after.prev_hash) == (2, before.content_hash)
    assert after.scope.split() == before.scope.split() + ([] if "bank.balances" in before.scope else ["bank.balances"])
    assert offer.changing is not None
    assert [line.new for line in offer.lines] == [offer.lines[0].fields]


async def test_the_end_that_is_proposed_for_an_addition_is_never_sooner_than_what_stands(world):
    """Covers: C8, R7."""
    _, before = await granted(world, MERCHANT)
    world.clock.seconds += 10 * DAY
    _, added = asked_for(world, before, Manner.MERGE, "bank.balances")
    assert added.default_days == 90
    assert added.changing.ends_at == before.expires_at
    _, instead = asked_for(world, before, Manner.REPLACE, "bank.balances")
    assert instead.default_days == min(choice.days for choice in instead.durations)


async def test_lines_say_which_of_their_fields_are_new(world):
    """Covers: C8."""
    _, before = await granted(world, MERCHANT)
    _, offer = asked_for(world, before, Manner.MERGE, "bank.transactions", "bank.balances")
    new = {line.key: [field.id for field in line.new] for line in offer.lines}
    standing = next(line for line in offer.lines if line.required)
    assert new[standing.key] == []
    assert {field.id for field in standing.fields} == fields(before)["transactions"]
    assert MERCHANT not in new
    assert new[BALANCE] == ["balance"]


async def test_what_stands_is_locked_in_an_addition_and_free_in_a_replacement(world):
    """Covers: C8, R7."""
    _, before = await granted(world, MERCHANT)
    _, added = asked_for(world, before, Manner.MERGE, "bank.transactions")
    _, instead = asked_for(world, before, Manner.REPLACE, "bank.transactions")
    assert [(group.before, group.locked) for group in added.resources] == [(("a1",), ("a1",))]
    assert [(group.before, group.locked) for group in instead.resources] == [(("a1",), ())]
    assert MERCHANT in {line.key for line in instead.lines if not line.required}


async def test_accounts_that_stay_are_shared_without_being_picked_again(world):
    """Covers: T6."""
    consent, before = await granted(world, MERCHANT)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.transactions")
    after = (await renewed(world, consent, change, Picks(frozenset(), {BANK: ("a2",)}, 90))).version
    assert after.granted[0].resources == ("a1", "a2")


async def test_a_replacement_is_only_what_was_asked_and_taken_now(world):
    """Covers: T6, I7."""
    consent, before = await granted(world, MERCHANT, BALANCE)
    change, offer = asked_for(world, before, Manner.REPLACE, "bank.balances")
    assert "Read date, amount, category and merchant name of transactions. Because: budgeting." in offer.changing.goes
    after = (await renewed(world, consent, change, Picks(frozenset({BALANCE}), {BANK: ("a1",)}, 30))).version
    assert fields(after) == {"accounts": {"balance"}}
    assert after.scope == "bank.balances"


async def test_what_stays_and_what_goes_is_part_of_the_text_that_was_shown(world):
    """Covers: I12, C8."""
    consent, before = await granted(world, MERCHANT)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.balances")
    after = (await renewed(world, consent, change, Picks(frozenset({BALANCE}), {BANK: ("a1",)}, 90))).version
    shown = world.events()[-1].detail["shown"]
    assert text_hash(shown) == after.notice.sha256
    assert "New: Read balance of accounts. Because: budgeting." in shown
    assert any(
        line.startswith("Stays: Read date, amount, category and merchant name of transactions.") for line in shown
    )
    assert any(line.startswith("This changes what was agreed on ") for line in shown)
    _, other = asked_for(world, before, Manner.REPLACE, "bank.balances")
    assert any(line.startswith("Goes: Read date") for line in words.notice_lines(other))


async def test_the_old_tokens_are_cut_off_with_the_new_version(world):
    """Covers: T6, I4."""
    consent, before = await granted(world, MERCHANT)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.balances")
    amended = await renewed(world, consent, change, Picks(frozenset({BALANCE}), {BANK: ("a1",)}, 90))
    (entry,) = world.feed()
    assert (entry.kind, entry.id, entry.min_epoch, entry.cause) == (Kind.GRANT, consent, 2, Reason.GRANT_SUPERSEDED)
    event = world.events()[-1]
    assert (event.type, event.rsn, event.version) == (EventType.CONSENT_AMENDED, "merge", 2)
    assert amended.state.min_epoch == 2


async def test_an_answer_to_another_question_is_none(world):
    """Covers: C15: the digest of the question covers what stands."""
    consent, before = await granted(world, MERCHANT)
    change, offer = asked_for(world, before, Manner.MERGE, "bank.balances")
    picks = Picks(frozenset({BALANCE}), {BANK: ("a1",)}, 90)
    after = (await renewed(world, consent, change, picks)).version
    again = world.change(after, Manner.MERGE, "bank.balances")
    assert world.offer(again.asked, again).digest != offer.digest
    assert world.offer(change.asked).digest != offer.digest


async def test_an_addition_takes_no_more_than_was_on_the_screen(world):
    """Covers: I7, C15."""
    _, before = await granted(world, MERCHANT)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.balances")
    for lines, accounts in (({MERCHANT}, ("a1",)), ({BALANCE}, ("a3",)), ({BALANCE}, ("a9",))):
        with pytest.raises(InvalidRequest):
            world.agree(Picks(frozenset(lines), {BANK: accounts}, 90), change=change)


async def test_a_question_and_a_no_are_recorded_and_change_nothing(world):
    """Covers: T6; evidence of what was asked and not agreed."""
    consent, before = await granted(world, MERCHANT)
    state = await world.state(consent)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.balances")
    await world.work.write(lambda tx: world.consents.ask_to_change(tx, consent=consent, person=HOLDER, change=change))
    await world.work.write(
        lambda tx: world.consents.refuse_to_change(tx, consent=consent, person=HOLDER, ceremony="c_9")
    )
    asked, refused = world.events()[-2:]
    assert (asked.type, asked.consent, asked.detail["manner"]) == (EventType.CONSENT_REQUESTED, consent, "merge")
    assert (refused.type, refused.consent, refused.ceremony) == (EventType.CONSENT_REFUSED, consent, "c_9")
    assert (await world.state(consent), world.feed()) == (state, [])


async def test_nobody_else_is_asked_or_answers(world):
    consent, before = await granted(world, MERCHANT)
    change, _ = asked_for(world, before, Manner.MERGE, "bank.balances")
    with pytest.raises(NotFound):
        await world.work.write(
            lambda tx: world.consents.ask_to_change(tx, consent=consent, person=OTHER, change=change)
        )
    with pytest.raises(NotFound):
        await world.work.write(
            lambda tx: world.consents.refuse_to_change(tx, consent=consent, person=OTHER, ceremony="c_9")
        )
    await world.work.write(lambda tx: world.consents.withdraw(tx, consent=consent, person=HOLDER))
    with pytest.raises(Conflict):
        await world.work.write(
            lambda tx: world.consents.ask_to_change(tx, consent=consent, person=HOLDER, change=change)
        )
