"""Authorization details are read strictly: what is unknown, doubtful or beyond its purpose is refused (RFC 9396 §5)."""

import msgspec
import pytest

from grantline.catalog import Asked, from_detail, join, load_catalog, to_detail
from grantline.model.errors import InvalidAuthorizationDetails, InvalidScope
from tests.consent_world import CATALOG, SCOPES

READ = load_catalog(CATALOG)
GOOD = {
    "type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["amount", "date", "merchant"],
    "purpose": "budgeting", "locations": ["https://bank.example/api"], "lookback_days": 90,
}  # fmt: skip


def parse(**changes):
    return READ.asked_by_details([{name: value for name, value in {**GOOD, **changes}.items() if value is not None}])


def test_an_explicit_list_is_locked_and_stands_in_the_order_of_the_catalog():
    """Covers: C5."""
    (asked,) = parse()
    assert asked.item.fields == asked.required == ("date", "amount", "merchant")
    assert (asked.item.lookback_days, asked.item.resources) == (90, ())


def test_the_client_says_what_it_can_do_without():
    """Covers: C5."""
    (asked,) = parse(required=["amount"])
    assert asked.required == ("amount",)
    assert parse(required=[])[0].required == ()


def test_a_wildcard_is_all_that_the_purpose_may_use_and_locks_nothing():
    """Covers: C5, I1."""
    (asked,) = parse(fields=["*"])
    assert asked == Asked(item=msgspec.structs.replace(asked.item, fields=asked.item.fields), required=())
    assert asked.item.fields == ("date", "amount", "category", "merchant", "counterparty", "iban")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "nope"}, {"type": None}, {"actions": []}, {"actions": ["read", "read"]}, {"actions": ["erase"]},
        {"actions": ["write"]}, {"actions": ["list"], "datatypes": ["owned_accounts"], "fields": ["id"]},
        {"datatypes": ["nope"]}, {"datatypes": ["accounts", "transactions"]}, {"datatypes": []},
        {"fields": []}, {"fields": ["nope"]}, {"fields": ["date", "date"]}, {"fields": ["*", "date"]},
        {"fields": ["*"], "required": ["date"]}, {"required": ["iban"]}, {"purpose": "nope"}, {"purpose": "tax"},
        {"purpose": None}, {"locations": ["https://evil.example"]}, {"lookback_days": 0}, {"lookback_days": -1},
        {"lookback_days": True}, {"lookback_days": "90"}, {"lookback_days": 1.5}, {"resources": [""]},
        {"calls": 0}, {"calls": 1_000_001}, {"calls": "5"}, {"calls": 1.5},
        {"resources": ["a"] * 2}, {"resources": ["a" * 257]}, {"resources": [str(n) for n in range(65)]},
        {"identifier": "a1"}, {"privileges": ["admin"]}, {"field": ["date"]}, {"fields": "date"}, {"fields": [1]},
        {"datatypes": ["accounts"], "fields": ["balance"]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_unknown_or_beyond_its_purpose_is_refused(changes):
    with pytest.raises(InvalidAuthorizationDetails):
        parse(**changes)


@pytest.mark.parametrize("raw", [None, {}, "x", [], [1], ["x"], [None], [GOOD] * 33])
def test_only_a_short_list_of_details_is_read(raw):
    with pytest.raises(InvalidAuthorizationDetails):
        READ.asked_by_details(raw)


def test_two_actions_become_two_items():
    """Covers: C4."""
    file = READ.file
    bank = file.apis["bank"]
    write = msgspec.structs.replace(bank.routes[2], id="w", method="POST", action="write")
    scope = msgspec.structs.replace(file.scopes["bank.transactions"], actions=("read", "write"))
    changed = msgspec.structs.replace(
        file,
        apis={**file.apis, "bank": msgspec.structs.replace(bank, routes=(*bank.routes, write))},
        scopes={**file.scopes, "bank.transactions": scope},
    )
    items = type(READ).from_file(changed).scope_items(("bank.transactions",))
    assert [item.actions for item in items] == [("read",), ("write",)]


def test_scopes_are_names_for_details():
    asked = READ.asked_by_scopes(SCOPES)
    assert [(one.item.datatype, one.required) for one in asked] == [
        ("transactions", ("date", "amount", "category")), ("accounts", ()), ("categories", ()),
    ]  # fmt: skip
    assert READ.scope_items(SCOPES) == tuple(one.item for one in asked)
    with pytest.raises(InvalidScope):
        READ.scope_items(("bank.transactions", "nope"))


def test_the_same_thing_asked_twice_is_one_item_unless_one_would_widen_the_other():
    (scope,) = READ.asked_by_scopes(("bank.transactions",))
    (same,) = join([scope, *parse(lookback_days=180)])
    assert same.item.fields == scope.item.fields
    assert same.required == ("date", "amount", "category", "merchant")
    with pytest.raises(InvalidAuthorizationDetails):
        join([scope, *parse(lookback_days=181)])
    with pytest.raises(InvalidAuthorizationDetails):
        join([scope, *parse(lookback_days=180, resources=["a1"])])
    with pytest.raises(InvalidAuthorizationDetails):
        join([scope, *parse(lookback_days=180, calls=5)])


@pytest.mark.parametrize("scopes", [SCOPES, ("calendar.events",), ("bank.payments",)])
def test_an_item_survives_its_json_form(scopes):
    """Covers: I12."""
    for item in READ.scope_items(scopes):
        named = msgspec.structs.replace(item, resources=("a1", "a2"), calls=20)
        for one in (item, named):
            assert from_detail(READ.file, msgspec.json.decode(msgspec.json.encode(to_detail(one)))) == one


@pytest.mark.parametrize("detail", [None, {}, {"type": "x"}, {**GOOD, "type": "x"}, {**GOOD, "datatypes": ["a", "b"]}])
def test_what_is_no_detail_of_ours_is_not_read_back(detail):
    with pytest.raises(InvalidAuthorizationDetails):
        from_detail(READ.file, detail)
