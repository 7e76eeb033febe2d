"""Cutting agrees with a plain pruning of the decoded JSON, whatever the document and the allow-list."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grantline.gateway.minimiser import Cutter, Unfilterable
from grantline.model.decision import FieldFilter, RecordRule

NAMES = st.sampled_from(["a", "b", "c", "ä", "a b"])
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["x", "y", "", "é", "😀\\n"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=25
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4) | st.lists(
    st.dictionaries(NAMES, VALUES, max_size=4), max_size=4
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


class Refused(Exception):
    pass


@st.composite
def filters(draw: st.DrawFn) -> FieldFilter:
    rule = RecordRule(path=draw(PATHS), allowed=draw(st.frozensets(st.sampled_from(["x", "y", "0", "1"]), max_size=3)))
    return FieldFilter(
        records=draw(st.lists(NAMES, max_size=2).map(tuple)),
        fields=tuple(draw(st.lists(PATHS, max_size=4))),
        envelope=tuple(draw(st.lists(NAMES, max_size=2))),
        rules=draw(st.sampled_from([(), (rule,)])),
    )


def prune(node: Any, keep: dict[str, Any]) -> Any:
    """`keep`: member → further members, or None for whole."""
    if node is None:
        return None
    if isinstance(node, list):
        if any(not isinstance(each, dict) for each in node):
            raise Refused
        return [prune(each, keep) for each in node]
    if not isinstance(node, dict):
        raise Refused
    return {
        name: node[name] if below is None else prune(node[name], below) for name, below in keep.items() if name in node
    }


def tree(paths: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    grown: dict[str, Any] = {}
    for name in {path[0] for path in paths}:
        below = tuple(path[1:] for path in paths if path[0] == name)
        grown[name] = None if () in below else tree(below)
    return grown


def values(node: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(node, list):
        each = [values(one, path) for one in node]
        return [value for found in each for value in found] if all(each) else []
    if node is None:
        return []
    if not path:
        return [node]
    return values(node[path[0]], path[1:]) if path[0] in node else []


def sift(node: Any, way: tuple[str, ...], stands: Any) -> Any:
    """Drop records from the undecided document before it is pruned."""
    if node is None:
        return None
    if way:
        for one in node if isinstance(node, list) else [node]:
            if way[0] in one:
                one[way[0]] = sift(one[way[0]], way[1:], stands)
        return node
    return [one for one in node if stands(one)] if isinstance(node, list) else (node if stands(node) else None)


def expected(document: Any, told: FieldFilter) -> Any:
    keep = tree(told.fields)
    judged = tree(tuple(rule.path for rule in told.rules))
    for name in reversed(told.records):
        keep, judged = {name: keep}, {name: judged}
    keep = {**dict.fromkeys(told.envelope), **keep}
    prune(document, keep)
    if told.rules:
        prune(document, judged)
        (rule,) = told.rules
        document = sift(document, told.records, lambda record: allowed(values(record, rule.path), rule))
    return prune(document, keep)


def allowed(named: list[Any], rule: RecordRule) -> bool:
    assert rule.allowed is not None
    return bool(named) and all(
        isinstance(one, str | int) and not isinstance(one, bool) and str(one) in rule.allowed for one in named
    )


@given(DOCUMENTS, filters())
def test_a_cut_document_is_the_pruned_document(document: Any, told: FieldFilter) -> None:
    text = json.dumps(document)
    try:
        wanted = expected(json.loads(text), told)
    except Refused:
        wanted = Refused
    try:
        got = json.loads(Cutter(told).document(text.encode()))
    except Unfilterable:
        got = Refused
    assert got == wanted


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:ab01 \\ux', max_size=60).map(str.encode), filters())
def test_any_bytes_are_cut_or_refused(body: bytes, told: FieldFilter) -> None:
    """Nothing but `Unfilterable` leaves the cutter, and what it gives is JSON."""
    for cut in (Cutter(told).document, Cutter(told).line):
        try:
            kept = cut(body)
        except Unfilterable:
            continue
        if kept:
            json.loads(kept)
