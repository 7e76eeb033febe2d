"""The published schema of authorization details and the reader of requests agree, whatever is written."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grantline.catalog import build_catalog, detail_schemas
from grantline.model.errors import InvalidAuthorizationDetails
from tests.authorization_world import CATALOG

CATALOGUE = build_catalog(tomllib.loads(CATALOG.read_text()))
FILE = CATALOGUE.file
SCHEMAS = detail_schemas(FILE)
DATA = sorted({name for api in FILE.apis.values() for name in api.data})
FIELDS = sorted({field for api in FILE.apis.values() for data in api.data.values() for field in data.fields})


def texts(*known: str, **bounds: Any) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([*known, "unheard-of"]), max_size=4, **bounds)


FITTING = st.fixed_dictionaries(
    {
        "actions": texts(*FILE.actions),
        "datatypes": st.lists(st.sampled_from([*DATA, "unheard-of"]), max_size=2),
        "fields": st.just(["*"]) | texts(*FIELDS),
        "purpose": st.sampled_from([*FILE.purposes, "unheard-of"]),
    },
    optional={
        "required": st.none() | texts(*FIELDS[:4]),
        "locations": st.lists(st.sampled_from([api.resource for api in FILE.apis.values()]), max_size=2),
        "resources": texts("a-1", "", "b" * 257),
        "lookback_days": st.none() | st.integers(-2, 40_000),
        "explicit": st.booleans() | st.just("yes"),
        "colour": st.just("red"),
    },
)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_schema_is_one(kind: str) -> None:
    """Covers: line 1 (RAR with JSON-Schema types from the catalog)."""
    Draft202012Validator.check_schema(SCHEMAS[kind])


@given(st.sampled_from(sorted(SCHEMAS)), FITTING)
def test_schema_and_reader_agree_on_any_detail(kind: str, detail: dict[str, Any]) -> None:
    """Covers: check 51; a schema lies neither way."""
    _agree(kind, {"type": kind, **detail})


@st.composite
def likely(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A detail that is mostly right."""
    entry = draw(st.sampled_from([FILE.apis[api] for api in sorted(FILE.apis)]))
    datatype = draw(st.sampled_from(sorted(entry.data)))
    fields = draw(st.lists(st.sampled_from(sorted(entry.data[datatype].fields)), min_size=1, unique=True))
    actions = draw(st.lists(st.sampled_from(sorted(FILE.actions)), min_size=1, max_size=2, unique=True))
    detail: dict[str, Any] = {
        "type": entry.type, "actions": actions, "datatypes": [datatype],
        "fields": draw(st.sampled_from([fields, ["*"]])), "purpose": draw(st.sampled_from(sorted(FILE.purposes))),
    }  # fmt: skip
    if draw(st.booleans()):
        detail["required"] = draw(st.sampled_from([[], fields, fields[:1]]))
    if draw(st.booleans()):
        detail["lookback_days"] = draw(st.integers(0, 36_501))
    return entry.type, detail


@given(likely())
def test_schema_and_reader_agree_on_details_that_are_nearly_right(case: tuple[str, dict[str, Any]]) -> None:
    """Covers: check 51."""
    _agree(*case)


def _agree(kind: str, detail: dict[str, Any]) -> None:
    valid = Draft202012Validator(SCHEMAS[kind]).is_valid(detail)
    # The one thing that a schema cannot say is that the required are among the fields.
    refused = _refusal(detail)
    assert valid is (refused is None or "not among the fields" in refused), (detail, refused)


def _refusal(detail: dict[str, Any]) -> str | None:
    try:
        CATALOGUE.asked_by_details([detail])
    except InvalidAuthorizationDetails as error:
        return error.message
    return None
