"""An answer is cut to what was agreed: never a path more, never a record of another or older than agreed."""

import msgspec
import pytest

from grantline.catalog import load_catalog
from grantline.model.decision import FieldFilter, RecordRule
from grantline.model.errors import InvalidRequest
from grantline.model.ids import ApiId
from tests.consent_world import CATALOG

READ = load_catalog(CATALOG)
BANK = ApiId("bank")
NOW = 1_795_000_000  # 2026-11-18 11:06:40 UTC
ITEM = msgspec.structs.replace(READ.scope_items(("bank.transactions",))[0], fields=("date", "merchant"))
ACCOUNTS = msgspec.structs.replace(READ.scope_items(("bank.balances",))[0], resources=("a1", "a2"))
LIST = READ.locate(BANK, "GET", "/accounts/a1/transactions", "")


def test_fields_become_their_paths_and_the_lookback_a_rule_for_records():
    assert READ.field_filter(LIST, ITEM, now=NOW) == FieldFilter(
        records=("transactions",),
        fields=(("date",), ("merchant", "name")),
        envelope=("next",),
        rules=(RecordRule(path=("date",), since="2026-05-22"),),
    )
    assert READ.oldest_day(ITEM, NOW) == "2026-05-22"


def test_a_caller_may_ask_for_less_but_never_for_more():
    """Covers: I1."""
    assert READ.field_filter(LIST, ITEM, now=NOW, fields=("date",)).fields == (("date",),)
    with pytest.raises(InvalidRequest):
        READ.field_filter(LIST, ITEM, now=NOW, fields=("date", "iban"))


def test_a_list_without_an_id_keeps_only_the_things_that_were_picked():
    found = READ.field_filter(READ.locate(BANK, "GET", "/accounts", ""), ACCOUNTS, now=NOW)
    assert found.rules == (RecordRule(path=("id",), allowed=frozenset({"a1", "a2"})),)
    assert found.fields == (("balance",),)


def test_a_list_for_an_item_that_names_no_thing_keeps_none():
    bare = msgspec.structs.replace(ACCOUNTS, resources=())
    found = READ.field_filter(READ.locate(BANK, "GET", "/accounts", ""), bare, now=NOW)
    assert found.rules == (RecordRule(path=("id",), allowed=frozenset()),)


def test_only_a_route_that_holds_nothing_about_a_person_passes_whole():
    file = READ.file
    bank = file.apis[BANK]
    routes = tuple(msgspec.structs.replace(route, unfiltered=route.id == "transactions.list") for route in bank.routes)
    changed = msgspec.structs.replace(file, apis={**file.apis, BANK: msgspec.structs.replace(bank, routes=routes)})
    assert type(READ).from_file(changed).field_filter(LIST, ITEM, now=NOW) is None


def test_the_operator_may_list_what_a_person_owns_and_no_app_may():
    item = READ.operator_item(BANK)
    assert (item.actions, item.datatype, item.purpose) == (("list",), "owned_accounts", "account-selection")
    assert READ.permitted_fields(item) == ()
    found = READ.field_filter(READ.locate(BANK, "GET", "/owners/o1/accounts", ""), item, now=NOW)
    assert found.records == ("resources",)
    assert ("label",) in found.fields
    assert READ.operator_item(ApiId("calendar")) is None
