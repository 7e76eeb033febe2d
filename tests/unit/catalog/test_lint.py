"""A catalog that cannot hold is not loaded, and the error says where it is wrong."""

import copy
import tomllib

import pytest

from grantline.catalog import build_catalog, lint, load_catalog
from grantline.model.errors import InvalidAuthorizationDetails, InvalidConfiguration
from tests.consent_world import CATALOG

RAW = tomllib.loads(CATALOG.read_text(encoding="utf-8"))
BANK = "apis.bank"


def changed(path, value):
    """The demonstration's catalog with one value put in (or, for None, taken out)."""
    raw = copy.deepcopy(RAW)
    *steps, last = path
    at = raw
    for step in steps:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return raw


def findings(path, value):
    with pytest.raises(InvalidConfiguration) as found:
        build_catalog(changed(path, value))
    return str(found.value)


def test_the_demonstration_is_free_of_findings():
    assert lint(load_catalog(CATALOG).file) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("apis", "bank", "routes", 2, "data"), "nope", "$.apis.bank.routes[2].data: no such kind of data"),
        (("apis", "bank", "routes", 2, "action"), "nope", "$.apis.bank.routes[2].action: no such action"),
        (("apis", "bank", "routes", 2, "resource"), "nope", "$.apis.bank.routes[2].resource: no such path parameter"),
        (("apis", "bank", "routes", 2, "id"), "accounts.one", "$.apis.bank.routes[2].id: 'accounts.one' is taken"),
        (("apis", "bank", "routes", 2, "path"), "accounts", "$.apis.bank.routes[2].path: not a path template"),
        (("apis", "bank", "routes", 2, "path"), "/a/{x}y", "$.apis.bank.routes[2].path: not a path template"),
        (("apis", "bank", "routes", 2, "path"), "/a//b", "$.apis.bank.routes[2].path: not a path template"),
        (("apis", "bank", "routes", 2, "path"), "/a/../{account}", "$.apis.bank.routes[2].path: not a path template"),
        (("apis", "bank", "routes", 2, "path"), "/a/{account}/{account}", "$.apis.bank.routes[2].path: a parameter is"),
        (("apis", "bank", "routes", 2, "path"), "/{account}/a1", "$.apis.bank.routes[2].path: a path can match this"),
        (("apis", "bank", "routes", 2, "method"), "FETCH", "$.apis.bank.routes[2].method: one of"),
        (("apis", "bank", "routes", 2, "label"), " ", "$.apis.bank.routes[2].label: empty"),
        (("apis", "bank", "routes", 2, "envelope"), ["transactions"], "$.apis.bank.routes[2].envelope: would pass"),
        (("apis", "bank", "routes", 2, "acr_values"), ["gold"], "$.apis.bank.routes[2].acr_values: no sign-in here"),
        (("apis", "bank", "routes", 2, "acr_values"), ["phrh"], "$.apis.bank.routes[2].acr_values: no sign-in here"),
        (("apis", "bank", "routes", 2, "max_age"), 0, "$.apis.bank.routes[2].max_age: at least one second"),
        (("apis", "bank", "routes", 5, "max_age"), 60, "$.apis.bank.routes[5]: the authority itself"),
        (("apis", "bank", "token_format"), "reference", "token_format"),
        (("apis", "bank", "routes", 1, "since_parameter"), "s", "$.apis.bank.routes[1].since_parameter: 'accounts'"),
        (("apis", "bank", "data", "payments", "fields"), {}, "$.apis.bank.data.payments.fields: a kind of data has"),
        (("apis", "bank", "data", "payments", "label"), "", "$.apis.bank.data.payments.label: empty"),
        (("apis", "bank", "data", "payments", "sensitivity"), 9, "$.apis.bank.data.payments.sensitivity: from 1 to 4"),
        (("apis", "bank", "data", "payments", "date_field"), "x", "$.apis.bank.data.payments.date_field: no such"),
        (("apis", "bank", "data", "payments", "fields", "payee", "label"), "",
         "$.apis.bank.data.payments.fields.payee.label: empty"),
        (("apis", "bank", "data", "payments", "fields", "payee", "group"), "x",
         "$.apis.bank.data.payments.fields.payee.group: no such group"),
        (("apis", "bank", "data", "payments", "fields", "payee", "path"), ["amount", "x"],
         "$.apis.bank.data.payments.fields.payee.path: lies within"),
        (("apis", "bank", "data", "transactions", "fields", "iban", "group"), None,
         "$.apis.bank.data.transactions.groups.other_party: a group joins at least two fields"),
        (("apis", "bank", "data", "payments", "fields", "Bad.Name"), {"label": "x"},
         "$.apis.bank.data.payments.fields: 'Bad.Name' is not a name"),
        (("apis", "bank", "gateways"), [], "$.apis.bank.gateways: no gateway"),
        (("apis", "bank", "resource"), "bank", "$.apis.bank.resource: an absolute http(s) URI"),
        (("apis", "bank", "resource"), "https://bank.example/api#x", "$.apis.bank.resource: an absolute http(s) URI"),
        (("apis", "calendar", "type"), "bank_data", "$.apis.calendar.type: 'bank_data' is also that of bank"),
        (("apis", "bank", "resource_list"), None, "$.apis.bank.resource_list: missing"),
        (("apis", "bank", "resource_list", "path"), "/accounts", "$.apis.bank.resource_list.path: no GET route"),
        (("apis", "bank", "data", "owned_accounts", "special"), True, "$.apis.bank.resource_list: 'owned_accounts' is"),
        (("apis", "bank", "resource_list", "purpose"), "x", "$.apis.bank.resource_list.purpose: no such purpose"),
        (("scopes", "bank.transactions", "purpose"), "x", '$.scopes."bank.transactions".purpose: no such purpose'),
        (("scopes", "bank.transactions", "api"), "x", '$.scopes."bank.transactions".api: no such API'),
        (("scopes", "bank.transactions", "data"), "x", '$.scopes."bank.transactions".data: no such kind of data'),
        (("scopes", "bank.transactions", "actions"), [], '$.scopes."bank.transactions".actions: empty'),
        (("scopes", "bank.transactions", "actions"), ["write"], "no open route does it"),
        (("scopes", "bank.transactions", "optional"), ["x"], '$.scopes."bank.transactions".optional: no such field'),
        (("scopes", "bank.transactions", "optional"), ["date"], "'date' is already required"),
        (("scopes", "bank.balances", "optional"), [], '$.scopes."bank.balances": names no field'),
        (("scopes", "bank.balances", "lookback_days"), 9, '$.scopes."bank.balances".lookback_days: needs a date_field'),
        (("scopes", "bank.balances", "calls"), 0, '$.scopes."bank.balances".calls: from 1'),
        (("scopes", "openid"), RAW["scopes"]["bank.balances"], '$.scopes."openid": not a scope token'),
        (("scopes", "two words"), RAW["scopes"]["bank.balances"], '$.scopes."two words": not a scope token'),
        (("scopes", "bank.payments"), None, "$.apis.bank.routes[4]: nobody can be granted this route"),
        (("purposes", "tax", "label"), "", "$.purposes.tax.label: empty"),
        (("purposes", "tax", "max_days"), 29, "$.purposes.tax.max_days: no length in durations_days fits"),
        (("purposes", "tax", "max_days"), 366, "$.purposes.tax.max_days: no length in durations_days fits"),
        (("purposes", "tax", "version"), 0, "$.purposes.tax.version: counts from 1"),
        (("purposes", "tax", "dpv"), "dpv:Tax", "$.purposes.tax.dpv: not an https IRI"),
        (("purposes", "tax", "permits"), {"bank.x": []}, '$.purposes.tax.permits."bank.x": no such kind of data'),
        (("purposes", "tax", "permits"), {"bank.payments": ["x"]}, "no such field: 'x'"),
        (("purposes", "budgeting", "permits"), {"bank.transactions": ["date"]}, "'budgeting' may not use 'amount'"),
        (("actions", "read", "verb"), "", "$.actions.read.verb: empty"),
        (("durations_days",), [90, 30], "$.durations_days: different lengths"),
        (("durations_days",), [30, 400], "$.durations_days: different lengths"),
        (("durations_days",), [], "$.durations_days: different lengths"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_a_finding_names_its_path(path, value, said):
    """Covers: G2."""
    assert said in findings(path, value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("apis", "bank", "routes", 2, "daat"), "x", "`daat` - at `$.apis.bank.routes[2]`"),
        (("apis", "bank", "data", "payments", "fields", "payee", "labl"), "x",
         "`labl` - at `$.apis.bank.data.payments.fields.payee`"),
        (("scopes", "bank.balances", "lookback_days"), "x", '$.scopes."bank.balances".lookback_days'),
        (("purposes", "tax", "label"), None, "missing required field `label` - at `$.purposes.tax`"),
        (("operatr",), {}, "unknown field `operatr`"),
        (("scopes", "bank.balances", "purpose"), None, 'field `purpose` - at `$.scopes."bank.balances"`'),
    ],
)  # fmt: skip
def test_a_typo_names_its_path(path, value, said):
    assert said in findings(path, value)


def test_a_file_that_is_no_catalog_is_refused_with_its_name(tmp_path):
    path = tmp_path / "broken.toml"
    with pytest.raises(InvalidConfiguration, match=r"broken\.toml"):
        load_catalog(path)
    path.write_text("a = ", encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match=r"broken\.toml"):
        load_catalog(path)


def test_the_hash_is_that_of_the_content_alone():
    one, other = build_catalog(RAW), build_catalog(dict(reversed(RAW.items())))
    assert one.hash == other.hash == load_catalog(CATALOG).hash
    assert build_catalog(changed(("purposes", "tax", "label"), "taxes")).hash != one.hash


def test_a_purpose_that_names_its_fields_permits_those_alone():
    """Covers: I1, G2."""
    raw = changed(("purposes", "tax", "permits"), {"bank.transactions": ["date", "amount"]})
    catalog = build_catalog(raw)
    item = catalog.scope_items(("bank.transactions",))[0]
    (asked,) = catalog.asked_by_details(
        [{"type": "bank_data", "actions": ["read"], "datatypes": ["transactions"], "fields": ["*"], "purpose": "tax"}]
    )
    assert asked.item.fields == ("date", "amount")
    assert catalog.permitted_fields(item) == item.fields


def test_a_route_for_the_operator_alone_is_open_to_no_app_whatever_a_purpose_permits():
    """Covers: I1."""
    catalog = build_catalog(changed(("purposes", "tax", "permits"), {"bank.owned_accounts": ["id", "label"]}))
    with pytest.raises(InvalidAuthorizationDetails):
        catalog.asked_by_details(
            [{"type": "bank_data", "actions": ["list"], "datatypes": ["owned_accounts"], "fields": ["id"],
              "purpose": "tax"}]
        )  # fmt: skip
