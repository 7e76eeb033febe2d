"""What a person is shown, and that an answer can only take away."""

import dataclasses

import msgspec
import pytest

from grantline.catalog import Asked
from grantline.consent import Picks, ResourceChoice, effective, make_offer, narrow, summarise
from grantline.consent.narrowing import all_covered
from grantline.consent.offer import Problem
from grantline.model.errors import InvalidRequest, InvalidScope
from grantline.model.ids import ApiId
from tests.consent_world import ACCOUNTS, BALANCE, BANK, CATEGORY, DAY, MERCHANT, OTHER_PARTY, PICKS, World


@pytest.fixture
def asking() -> World:
    return World()


def test_required_fields_are_one_locked_line_and_each_wish_stands_alone(asking):
    """Covers: C3, C5."""
    lines = {line.key.partition(":")[2]: line for line in asking.offer().lines}
    required = [line for line in lines.values() if line.required]
    assert [line.label for line in required] == ["date, amount and category"]
    assert lines["field.merchant"].without == "shops show as “other”"
    assert not any(lines[part].required for part in ("field.merchant", "field.balance", "group.other_party", "all"))
    assert [one.id for one in lines["group.other_party"].fields] == ["counterparty", "iban"]


def test_reading_and_changing_are_separate_lines(asking):
    """Covers: C4."""
    offer = asking.offer()
    assert [line.changes for line in offer.lines] == [False, False, False, False, True]
    assert all(line.verb == ("Set" if line.changes else "Read") for line in offer.lines)
    assert len({line.key for line in offer.lines}) == len(offer.lines)
    picks = dataclasses.replace(PICKS, lines=frozenset({MERCHANT}))
    assert not any("write" in item.actions for item in asking.agree(picks).items)


def test_a_wildcard_request_starts_with_nothing_ticked(asking):
    """Covers: C5."""
    asked = asking.catalog.asked_by_details(
        [{"type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["*"],
          "purpose": "budgeting", "lookback_days": 180}]
    )  # fmt: skip
    assert not any(line.required for line in asking.offer(asked).lines)
    explicit = msgspec.structs.replace(asked[0], required=("date",))
    assert any(line.required for line in asking.offer((explicit,)).lines)


def test_part_of_a_group_is_never_shown_under_the_words_of_the_whole(asking):
    """Covers: C17."""
    asked = tuple(
        msgspec.structs.replace(
            one, item=msgspec.structs.replace(one.item, fields=tuple(f for f in one.item.fields if f != "iban"))
        )
        for one in asking.asked
    )
    labels = [line.label for line in asking.offer(asked).lines]
    assert "other party’s name" in labels
    assert not any("IBAN" in label for label in labels)


def test_things_that_cannot_be_shared_are_shown_with_the_reason(asking):
    """Covers: C6."""
    (group,) = asking.offer().resources
    assert [(one.id, one.available, one.reason) for one in group.choices][-1] == (
        "a3", False, "only its owner can share it",
    )  # fmt: skip
    assert (group.heading, group.one) == ("Which accounts", "account")


def test_few_lengths_the_shortest_first_each_with_its_end(asking):
    """Covers: C7."""
    offer = asking.offer()
    assert [one.days for one in offer.durations] == [30, 90, 180, 365]
    assert [one.ends_at - asking.clock.seconds for one in offer.durations] == [d * DAY for d in (30, 90, 180, 365)]
    assert offer.default_days == 30
    wanted = make_offer(
        catalog=asking.catalog, client=asking.client, asked=asking.asked, resources=ACCOUNTS, now=0, wanted_days=60
    )
    assert wanted.default_days == 90
    assert [(one.days, one.since) for one in wanted.lookbacks] == [(180, -180 * DAY)]


def test_a_purpose_with_a_shorter_life_takes_the_longer_lengths_away(asking):
    """Covers: C7."""
    file = asking.catalog.file
    purpose = msgspec.structs.replace(file.purposes["budgeting"], max_days=90)
    catalog = type(asking.catalog).from_file(
        msgspec.structs.replace(file, purposes={**file.purposes, "budgeting": purpose})
    )
    asking.catalog = catalog
    assert [one.days for one in asking.offer().durations] == [30, 90]


def test_what_has_to_be_known_is_said_before_the_answer(asking):
    """Covers: C9."""
    facts = dict(asking.offer().facts)
    assert set(facts) == {
        "Who gets it", "How long it is kept", "Where it is stored", "Your rights", "Where to complain", "How to stop",
    }  # fmt: skip
    assert facts["How long it is kept"] == "Kept 30 days after the end."
    assert "European Union" in facts["Where it is stored"]
    assert "Budget app publisher" in facts["Who gets it"]


def test_the_picks_of_the_story_give_five_fields_of_one_account(asking):
    """Covers: I1, I12."""
    agreed = asking.agree()
    assert [(item.datatype, item.fields, item.resources) for item in agreed.items] == [
        ("transactions", ("date", "amount", "category", "merchant"), ("a1",)),
        ("accounts", ("balance",), ("a1",)),
    ]
    assert agreed.expires_at == asking.clock.seconds + 90 * DAY


@pytest.mark.parametrize(
    "picks",
    [
        Picks(frozenset({"bank.transactions.read.tax:field.iban"}), {BANK: ("a1",)}, 90),
        Picks(frozenset({MERCHANT, ""}), {BANK: ("a1",)}, 90),
        Picks(frozenset({MERCHANT}), {BANK: ("a3",)}, 90),
        Picks(frozenset({MERCHANT}), {BANK: ("a1", "a9")}, 90),
        Picks(frozenset({MERCHANT}), {BANK: ("a1", "a1")}, 90),
        Picks(frozenset({MERCHANT}), {BANK: ("a1",), ApiId("calendar"): ("x",)}, 90),
        Picks(frozenset({MERCHANT}), {BANK: ("a1",)}, 3_650),
        Picks(frozenset({MERCHANT}), {BANK: ("a1",)}, 0),
    ],
    ids=["line", "empty line", "unavailable", "unknown thing", "twice", "other API", "longer", "no length"],
)
def test_a_form_that_was_changed_to_widen_is_refused(asking, picks):
    """Covers: C15."""
    with pytest.raises(InvalidRequest):
        asking.agree(picks)


def test_an_answer_to_another_question_is_refused(asking):
    """Covers: C15, C16."""
    offer = asking.offer()
    arguments = {"catalog": asking.catalog, "client": asking.client, "asked": asking.asked, "picks": PICKS}
    with pytest.raises(InvalidRequest):
        narrow(**arguments, offer=offer, digest="0" * 64)
    fewer = make_offer(
        catalog=asking.catalog, client=asking.client, asked=asking.asked, now=asking.clock.seconds,
        resources={BANK: (ResourceChoice("a1", "Everyday account", None, True, None),)},
    )  # fmt: skip
    assert fewer.digest != offer.digest


def test_the_same_question_asked_a_minute_later_has_the_same_digest(asking):
    before = asking.offer().digest
    asking.clock.seconds += 60
    assert asking.offer().digest == before


def test_an_answer_without_an_account_says_what_is_missing(asking):
    """Covers: C6."""
    picks = Picks(frozenset(), {}, 90)
    with pytest.raises(InvalidRequest, match="Pick at least one account"):
        asking.agree(picks)
    summary = summarise(catalog=asking.catalog, asked=asking.asked, offer=asking.offer(), picks=picks)
    assert summary.problems == (Problem(BANK, "Pick at least one account."),)


def test_nothing_ticked_is_not_an_agreement(asking):
    asked = asking.catalog.asked_by_scopes(("bank.balances",))
    with pytest.raises(InvalidRequest, match="at least one line"):
        asking.agree(Picks(frozenset(), {BANK: ("a1",)}, 90), asked)


def test_the_summary_counts_what_would_be_granted(asking):
    """Covers: C6, C7."""
    summary = summarise(catalog=asking.catalog, asked=asking.asked, offer=asking.offer(), picks=PICKS)
    assert (summary.fields, summary.resources, summary.purposes) == (5, ("Everyday account",), ("budgeting",))
    assert (summary.changes, summary.problems) == ((), ())
    with_change = dataclasses.replace(PICKS, lines=PICKS.lines | {CATEGORY})
    summary = summarise(catalog=asking.catalog, asked=asking.asked, offer=asking.offer(), picks=with_change)
    assert summary.changes == ("Set category of a transaction",)
    assert summary.fields == 5


def test_what_the_client_may_never_have_is_not_even_shown(asking):
    """Covers: I1."""
    asking.client = dataclasses.replace(
        asking.client,
        ceiling=tuple(
            msgspec.structs.replace(item, fields=tuple(f for f in item.fields if f not in ("iban", "counterparty")))
            for item in asking.client.ceiling
        ),
    )
    shown = {field.id for line in asking.offer().lines for field in line.fields}
    assert shown == {"date", "amount", "category", "merchant", "balance"}
    with pytest.raises(InvalidRequest):
        asking.agree(dataclasses.replace(PICKS, lines=frozenset({OTHER_PARTY})))


def test_a_required_field_beyond_the_ceiling_stops_the_request(asking):
    """Covers: I1."""
    narrowed = tuple(
        msgspec.structs.replace(item, fields=tuple(f for f in item.fields if f != "amount"))
        for item in asking.client.ceiling
    )
    with pytest.raises(InvalidScope):
        effective(asking.catalog, asking.asked, narrowed)
    with pytest.raises(InvalidScope):
        effective(asking.catalog, asking.asked, ())
    with pytest.raises(InvalidScope):
        effective(asking.catalog, asking.asked[1:], ())


def test_a_field_its_purpose_may_not_use_is_left_out_even_if_asked_past_the_parser(asking):
    """Covers: I1."""
    item = asking.asked[1].item
    wider = msgspec.structs.replace(item, fields=("balance", "name"))
    ceiling = (wider,)
    (found,) = effective(asking.catalog, (Asked(item=wider),), ceiling)
    assert found.item.fields == ("balance",)


def test_the_lookback_is_the_shorter_of_request_and_ceiling(asking):
    """Covers: I1."""
    item = asking.asked[0].item
    longer = msgspec.structs.replace(item, lookback_days=None)
    (found,) = effective(asking.catalog, (Asked(item=longer, required=("date",)),), (item,))
    assert found.item.lookback_days == 180
    assert not all_covered([longer], [item], open_resources=True)


@pytest.mark.parametrize("lines", [frozenset(), frozenset({MERCHANT}), frozenset({BALANCE, CATEGORY, OTHER_PARTY})])
def test_every_answer_is_covered_by_the_question(asking, lines):
    """Covers: I1, C15."""
    agreed = asking.agree(Picks(lines, {BANK: ("a1", "a2")}, 30))
    assert all_covered(agreed.items, (one.item for one in asking.asked), open_resources=True)
