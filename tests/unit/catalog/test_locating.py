"""A call is read without doubt, or refused: what the catalog says a path is must be what the API takes it for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantline.catalog import load_catalog
from grantline.model.errors import InvalidRequest
from grantline.model.ids import ApiId
from tests.consent_world import CATALOG

CATALOG_READ = load_catalog(CATALOG)
BANK, CALENDAR = ApiId("bank"), ApiId("calendar")


def locate(path, query="", method="GET", api=BANK):
    return CATALOG_READ.locate(api, method, path, query)


def test_a_call_is_named_by_the_catalog():
    found = locate("/accounts/a1/transactions", "fields=date,amount&since=2026-01-31")
    assert (found.route, found.endpoint_class) == ("transactions.list", "GET /accounts/{account}/transactions")
    assert (found.action, found.datatype, found.resources) == ("read", "transactions", ("a1",))
    assert (found.asked_fields, found.since, found.sensitivity) == (("date", "amount"), "2026-01-31", 2)


def test_the_resource_is_the_named_parameter_decoded():
    assert locate("/accounts/a%C3%A9/transactions/t9/category", method="PUT").resources == ("aé",)
    assert locate("/accounts").resources == ()


def test_head_is_the_get_of_the_same_path():
    assert locate("/accounts/a1", method="HEAD").route == "accounts.one"


@pytest.mark.parametrize(
    ("path", "method", "api"),
    [
        ("/", "GET", BANK), ("/accounts/", "GET", BANK), ("/accounts/a1/", "GET", BANK), ("/Accounts", "GET", BANK),
        ("/accounts/a1", "DELETE", BANK), ("/accounts", "get", BANK), ("/accounts", "GET", CALENDAR),
        ("/accounts", "GET", ApiId("none")), ("/accounts/a1/transactions/t1/category/x", "PUT", BANK),
        ("/accounts", "TRACE", BANK), ("/accounts", "OPTIONS", BANK),
    ],
)  # fmt: skip
def test_what_the_catalog_does_not_know_is_nothing(path, method, api):
    assert locate(path, method=method, api=api) is None


@pytest.mark.parametrize(
    "path",
    [
        "", "accounts", "//accounts", "/accounts//transactions", "/accounts/./a1", "/accounts/../owners",
        "/accounts/%2e%2e/owners", "/accounts/%2E/a1", "/accounts/a1%2Ftransactions", "/accounts/a1%5Cx",
        "/accounts/a1\\x", "/accounts/a1;x=1/transactions", "/accounts/..;/x", "/%61ccounts", "/accounts/a%31",
        "/accounts/%252e", "/accounts/a%00", "/accounts/a%0a", "/accounts/a%7f", "/accounts/a%c2%85", "/accounts/%ff",
        "/accounts/%", "/accounts/%2", "/accounts/%zz", "/accounts/a b", "/accounts/a1?x", "/accounts/a1#x",
        "/accounts/é", "/accounts/{account}", "/" + "a" * 2_048, "http://bank.example/accounts",
    ],
)  # fmt: skip
def test_a_path_that_can_be_read_twice_is_refused(path):
    with pytest.raises(InvalidRequest):
        locate(path)


@pytest.mark.parametrize(
    "query",
    [
        "fields=date&fields=iban", "fields=date&%66ields=iban", "a=1&a=2", "&", "fields=date&", "=x", "fields=",
        "fields=date,", "fields=date,,iban", "fields=date,date", "since=yesterday", "since=2026-1-1", "a=%", "a=%ff",
        "a=%00", "a=b;c=d", "a=b#c", "a=\"", "a=<", "a=" + "b" * 8_192, "a=é", "a=b c",
    ],
)  # fmt: skip
def test_a_query_that_can_be_read_twice_is_refused(query):
    with pytest.raises(InvalidRequest):
        locate("/accounts/a1/transactions", query)


def test_fields_and_dates_count_only_where_the_route_names_them():
    found = locate("/accounts/a1/transactions/t1/category", "fields=iban&since=x", method="PUT")
    assert (found.asked_fields, found.since) == ((), None)
    assert locate("/accounts/a1/transactions", "since=2026-01-31T00:00:00%2B01:00").since == "2026-01-31"
    assert locate("/accounts/a1/transactions", "fields=date%2Camount").asked_fields == ("date", "amount")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), st.text(max_size=20))
def test_anything_at_all_is_located_unknown_or_refused(path, query):
    try:
        found = locate("/" + path, query)
    except InvalidRequest:
        return
    assert found is None or found.api == BANK


@given(st.text(alphabet="./%2eE5cCfF;\\a1", max_size=24))
def test_no_spelling_of_an_account_hides_another_segment(segment):
    """Whatever is taken for the account id could not be taken for a path by anybody."""
    try:
        found = locate(f"/accounts/{segment}/transactions")
    except InvalidRequest:
        return
    if found is not None:
        (account,) = found.resources
        assert account not in {"", ".", ".."}
        assert not set(account) & set("/\\;%")


def test_the_words_of_an_endpoint_class_come_from_the_catalog():
    assert CATALOG_READ.endpoint_label(BANK, "GET /accounts/{account}/transactions") == "List transactions"
    assert CATALOG_READ.endpoint_label(BANK, "GET /gone") == "GET /gone"


def test_an_api_is_found_by_its_resource_identifier():
    assert CATALOG_READ.api_for_resource("https://bank.example/api") == BANK
    assert CATALOG_READ.api_for_resource("https://bank.example/api/") is None


def test_a_gateway_gets_its_own_apis_and_no_more():
    mine = CATALOG_READ.assigned_to("calendar")
    assert set(mine.apis) == {"calendar"}
    assert set(mine.scopes) == {"calendar.events"}
    assert CATALOG_READ.assigned_to("nobody").apis == {}
    assert CATALOG_READ.apis_of("bank") == (BANK,)
