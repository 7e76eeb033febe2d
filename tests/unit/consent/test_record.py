"""What a decision leaves behind, and what it can never do."""

import dataclasses
import sqlite3

import msgspec
import pytest

from grantline.consent import Picks, read
from grantline.consent.sealing import from_bytes, to_bytes
from grantline.consent.versions import text_hash
from grantline.crypto import jcs
from grantline.model.consent import Status
from grantline.model.errors import Conflict, InvalidGrant, InvalidRequest, NotFound, ServerError
from grantline.model.events import EventType
from grantline.model.feed import Kind
from grantline.model.ids import ApiId, ClientId, ConsentId
from grantline.storage.migrations import migrate
from grantline.storage.schema.consent import GUARDS
from tests.consent_world import BANK, CATEGORY, DAY, HOLDER, MERCHANT, OTHER, ceremony


async def withdraw(world, consent, person=HOLDER):
    return await world.work.write(
        lambda tx: world.consents.withdraw(tx, consent=consent, person=person), essential=True
    )


async def amend(world, consent, version, **changes):
    arguments = {"granted": version.granted, "expires_at": version.expires_at, "ceremony": ceremony(99), **changes}
    return await world.work.write(
        lambda tx: world.consents.amend(tx, catalog=world.catalog, consent=consent, person=HOLDER, **arguments)
    )


async def test_a_yes_makes_version_one_with_its_event_and_no_cut_off(world):
    """Covers: T1, T4, I2."""
    state, version = await world.given()
    assert (state.status, state.version, state.epoch, state.min_epoch) == (Status.ACTIVE, 1, 1, 1)
    assert await world.state(state.consent_id) == state
    asked, given = world.events()
    assert (asked.type, given.type) == (EventType.CONSENT_REQUESTED, EventType.CONSENT_GIVEN)
    assert given.detail["content_hash"] == version.content_hash
    assert (given.version, given.purpose, given.basis, given.ceremony) == (1, "budgeting", "consent", "c_1")
    assert world.feed() == []


async def test_the_text_that_was_shown_is_the_one_whose_hash_is_kept(world):
    """Covers: I12, C17."""
    _, version = await world.given()
    shown = world.events()[-1].detail["shown"]
    assert text_hash(shown) == version.notice.sha256
    assert any("Read merchant name of transactions. Because: budgeting." in line for line in shown)
    assert not any("Everyday account" in line for line in shown)


async def test_only_names_for_granted_apis_are_kept(world):
    """Covers: I13."""
    _, version = await world.given()
    assert version.resource_subjects == ((BANK, "owner-1"),)
    assert version.scope == "openid bank.transactions bank.balances"


async def test_a_no_is_kept_as_evidence_and_grants_nothing(world):
    """Covers: T2, I3."""
    state = await world.request()
    refused = await world.work.write(
        lambda tx: world.consents.refuse(tx, consent=state.consent_id, person=HOLDER, ceremony="c_1")
    )
    assert refused.status is Status.REFUSED
    assert (world.events()[-1].type, world.events()[-1].out) == (EventType.CONSENT_REFUSED, "deny")
    with pytest.raises(Conflict):
        await world.give(state.consent_id)
    with pytest.raises(InvalidGrant):
        await world.work.read(lambda tx: world.consents.require_active(tx, consent=state.consent_id))


async def test_a_question_that_waited_too_long_is_not_answered_and_lapses(world):
    """Covers: T1, T2."""
    state = await world.request()
    world.clock.seconds += 601
    with pytest.raises(Conflict, match="waited too long"):
        await world.give(state.consent_id)
    assert await world.work.write(world.consents.lapse_due) == 1
    assert (await world.state(state.consent_id)).status is Status.LAPSED
    assert await world.work.write(world.consents.lapse_due) == 0


async def test_a_withdrawal_raises_the_epoch_in_the_feed_and_is_final(world):
    """Covers: T9, I4, I6."""
    state, _ = await world.given()
    ending = await withdraw(world, state.consent_id)
    assert (ending.state.status, ending.state.epoch, ending.state.min_epoch) == (Status.WITHDRAWN, 2, 2)
    (entry,) = world.feed()
    assert (entry.kind, entry.id, entry.min_epoch, entry.cause) == (
        Kind.GRANT, state.consent_id, 2, "grant_withdrawn",
    )  # fmt: skip
    assert entry.until == world.clock.seconds + 3_600
    assert ending.entry == entry
    with pytest.raises(Conflict):
        await amend(world, state.consent_id, (await world.given())[1])


async def test_a_second_withdrawal_changes_nothing_and_is_no_error(world):
    """Covers: I5."""
    state, _ = await world.given()
    first = await withdraw(world, state.consent_id)
    events = len(world.events())
    second = await withdraw(world, state.consent_id)
    assert (second.state, second.entry) == (first.state, None)
    assert (len(world.events()), len(world.feed())) == (events, 1)


async def test_a_question_can_be_withdrawn_before_it_is_answered(world):
    """Covers: I5."""
    state = await world.request()
    assert (await withdraw(world, state.consent_id)).state.status is Status.WITHDRAWN
    with pytest.raises(Conflict):
        await world.give(state.consent_id)


async def test_nobody_ends_or_sees_the_consent_of_another_person(world):
    state, _ = await world.given()
    with pytest.raises(NotFound):
        await withdraw(world, state.consent_id, OTHER)
    with pytest.raises(NotFound):
        await world.work.read(lambda tx: read.detail(tx, consent=state.consent_id, person=OTHER))
    assert await world.work.read(lambda tx: read.connections(tx, person=OTHER)) == ()
    assert (await world.state(state.consent_id)).status is Status.ACTIVE


async def test_revoked_says_who_did_it_and_stays_apart_from_withdrawn(world):
    """Covers: T10."""
    state, _ = await world.given()
    ending = await world.work.write(
        lambda tx: world.consents.revoke(tx, consent=state.consent_id, by="operator", why="left the programme")
    )
    assert (ending.state.status, ending.state.cause, ending.state.ended_by) == (
        Status.REVOKED, "grant_revoked", "operator",
    )  # fmt: skip
    assert world.events()[-1].detail == {"by": "operator", "why": "left the programme"}
    again = await world.work.write(lambda tx: world.consents.revoke(tx, consent=state.consent_id, by="client"))
    assert again.entry is None
    question = await world.request()
    with pytest.raises(Conflict):
        await world.work.write(lambda tx: world.consents.revoke(tx, consent=question.consent_id, by="operator"))


async def test_the_end_counts_by_the_clock_even_before_the_sweep(world):
    """Covers: T11, I3."""
    state, version = await world.given()
    world.clock.seconds = version.expires_at - 1
    await world.work.read(lambda tx: world.consents.require_active(tx, consent=state.consent_id))
    assert await world.work.write(world.consents.expire_due) == ()
    world.clock.seconds += 1
    with pytest.raises(InvalidGrant):
        await world.work.read(lambda tx: world.consents.require_active(tx, consent=state.consent_id))
    (ending,) = await world.work.write(world.consents.expire_due)
    assert (ending.state.status, ending.entry.cause, ending.entry.min_epoch) == (Status.EXPIRED, "grant_expired", 2)
    assert await world.work.write(world.consents.expire_due) == ()


async def test_narrowing_makes_a_new_version_and_cuts_off_the_tokens_of_the_old(world):
    """Covers: T6, I2, I7."""
    state, first = await world.given()
    granted = (first.granted[0],)
    amended = await amend(world, state.consent_id, first, granted=granted)
    assert (amended.state.version, amended.state.epoch, amended.state.min_epoch) == (2, 2, 2)
    assert (amended.entry.cause, amended.entry.min_epoch) == ("grant_superseded", 2)
    assert amended.version.prev_hash == first.content_hash
    assert amended.version.scope == "openid bank.transactions"
    _, current = await world.work.read(lambda tx: world.consents.require_active(tx, consent=state.consent_id))
    assert current == amended.version
    kept = await world.work.read(lambda tx: tx.consents.versions(state.consent_id))
    assert kept == (first, amended.version)


@pytest.mark.parametrize(
    "widen",
    [
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], fields=(*v.granted[0].fields, "iban")),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], resources=("a1", "a2")),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], resources=()),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], actions=("read", "write")),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], purpose="tax"),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], lookback_days=181),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], lookback_days=None),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], datatype="payments"),)},
        lambda v: {"granted": (msgspec.structs.replace(v.granted[0], locations=("https://other.example",)),)},
        lambda v: {"expires_at": v.expires_at + 1},
        lambda v: {"granted": ()},
    ],
    ids=[
        "field",
        "thing",
        "all things",
        "action",
        "purpose",
        "lookback",
        "no lookback",
        "data",
        "place",
        "end",
        "none",
    ],
)
async def test_widening_needs_a_fresh_act(world, widen):
    """Covers: I7, P17."""
    state, version = await world.given()
    with pytest.raises(InvalidRequest):
        await amend(world, state.consent_id, version, **widen(version))
    assert (await world.state(state.consent_id)).version == 1
    assert world.feed() == []


async def test_a_fresh_act_may_widen_and_its_ceremony_counts_once(world):
    """Covers: T6, I7."""
    state, _ = await world.given()
    wider = world.approval(Picks(frozenset({MERCHANT, CATEGORY}), {BANK: ("a1", "a2")}, 180))
    renew = lambda approval: world.work.write(  # noqa: E731
        lambda tx: world.consents.renew(
            tx, catalog=world.catalog, consent=state.consent_id, person=HOLDER, approval=approval
        )
    )
    renewed = await renew(wider)
    assert (renewed.version.version, renewed.state.epoch) == (2, 2)
    assert renewed.version.granted[0].resources == ("a1", "a2")
    with pytest.raises(Conflict):
        await renew(wider)
    with pytest.raises(Conflict):
        await renew(dataclasses.replace(wider, ceremony=ceremony(1)))
    assert (await world.state(state.consent_id)).version == 2


async def test_what_is_recorded_is_checked_again_whoever_composed_it(world):
    """Covers: I1, C15."""
    state = await world.request()
    agreed = world.agree()
    wider = msgspec.structs.replace(agreed.items[0], fields=(*agreed.items[0].fields, "iban", "balance"))
    no_thing = msgspec.structs.replace(agreed.items[0], resources=())
    for changed in (
        dataclasses.replace(agreed, items=(wider,)),
        dataclasses.replace(agreed, items=(no_thing,)),
        dataclasses.replace(agreed, items=()),
        dataclasses.replace(agreed, expires_at=world.clock.seconds + 366 * DAY),
        dataclasses.replace(agreed, expires_at=world.clock.seconds),
    ):
        approval = dataclasses.replace(world.approval(), agreed=changed)
        with pytest.raises(InvalidRequest):
            await world.work.write(
                lambda tx, approval=approval: world.consents.give(
                    tx, catalog=world.catalog, consent=state.consent_id, person=HOLDER, approval=approval
                )
            )
    assert (await world.state(state.consent_id)).status is Status.REQUESTED


async def test_a_yes_to_one_client_is_none_to_another(world):
    """Covers: I1."""
    state = await world.request()
    card = dataclasses.replace(world.client.card, id=ClientId("other"))
    approval = dataclasses.replace(world.approval(), client=dataclasses.replace(world.client, card=card))
    with pytest.raises(InvalidRequest):
        await world.work.write(
            lambda tx: world.consents.give(
                tx, catalog=world.catalog, consent=state.consent_id, person=HOLDER, approval=approval
            )
        )


async def test_an_answer_is_recorded_once(world):
    state, _ = await world.given()
    with pytest.raises(Conflict):
        await world.give(state.consent_id)


async def test_the_database_itself_refuses_to_change_or_remove_a_version(world):
    """Covers: I2."""
    state, version = await world.given()
    raw = sqlite3.connect(world.path)
    for statement in ("UPDATE consent_versions SET body = x'00'", "DELETE FROM consent_versions"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    raw.close()
    assert await world.work.read(lambda tx: tx.consents.version(state.consent_id, 1)) == version


async def test_a_damaged_version_is_found_before_it_is_used(world):
    """Covers: I2."""
    _, version = await world.given()
    body = to_bytes(version)
    assert from_bytes(body) == version
    assert version.content_hash == jcs.digest(
        {name: value for name, value in msgspec.to_builtins(version).items() if name != "content_hash"}
    )
    with pytest.raises(ServerError):
        from_bytes(body.replace(b'"amount"', b'"iban"'))


async def test_connections_show_what_holds_and_what_has_ended(world):
    """Covers: P2."""
    state, version = await world.given()
    ended, _ = await world.given()
    await world.request()
    await withdraw(world, ended.consent_id)
    found = {one.consent: one for one in await world.work.read(lambda tx: read.connections(tx, person=HOLDER))}
    assert set(found) == {state.consent_id, ended.consent_id}
    assert (found[state.consent_id].status, found[state.consent_id].granted) == (Status.ACTIVE, version.granted)
    assert found[ended.consent_id].ended_at == world.clock.seconds
    assert found[state.consent_id].ends_at == version.expires_at


async def test_an_unknown_consent_is_not_found(world):
    with pytest.raises(NotFound):
        await withdraw(world, ConsentId("g_none"))
    assert ApiId("calendar") not in dict((await world.given())[1].resource_subjects)


def test_a_store_made_by_the_migrations_refuses_it_too(tmp_path):
    """Covers: I2."""
    path = tmp_path / "migrated.db"
    migrate(path, "state")
    raw = sqlite3.connect(path)
    found = {row[0] for row in raw.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'consent_versions'")}
    raw.close()
    assert set(GUARDS["sqlite"]) <= found
