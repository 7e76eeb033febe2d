"""Whatever is held and whatever is wished for: what is passed on is never more, in any dimension (I10)."""

from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from grantline.catalog import Asked
from grantline.consent import Ceiling, ClientCard, ClientProfile, Held, Part, Wish, attenuate
from grantline.consent.descent import DEEPEST, _require_narrower
from grantline.model.consent import Item, Link, Version
from grantline.model.errors import OAuthError
from grantline.model.ids import ClientId, ConsentId, SubjectId
from tests.authorization_world import load

CATALOG = load()
BANK, CALENDAR, ELSEWHERE = "https://bank.example/api", "https://calendar.example/api", "https://elsewhere.example"
SCOPES = tuple(CATALOG.file.scopes)
ITEMS = CATALOG.scope_items(SCOPES)
THINGS = ("a1", "a2", "a3")
DAYS = st.none() | st.integers(1, 400)


def some(values: Any, least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some of these, each at most once, in their order."""
    kept = tuple(values)
    return st.sets(st.sampled_from(kept), min_size=least).map(lambda those: tuple(v for v in kept if v in those))


@st.composite
def items(draw: st.DrawFn, *, of: tuple[Item, ...] = ITEMS) -> Item:
    """An item of the catalog with fields, things, days and an explicit yes of its own."""
    item = draw(st.sampled_from(of))
    known = tuple(CATALOG.data(item.api, item.datatype).fields)
    return msgspec.structs.replace(
        item,
        fields=draw(some(known, 1)),
        resources=draw(some(THINGS)),
        lookback_days=draw(DAYS),
        calls=draw(st.just(msgspec.UNSET) | st.integers(1, 50)),
        explicit=draw(st.sampled_from([True, msgspec.UNSET])),
    )


@st.composite
def held(draw: st.DrawFn) -> Held:
    """What somebody holds; one item of each kind, as consents have them."""
    kinds = draw(some(range(len(ITEMS)), 1))
    return Held(
        items=tuple(draw(items(of=(ITEMS[kind],))) for kind in kinds),
        scope=" ".join(draw(st.just((*SCOPES, "openid")) | some((*SCOPES, "openid")))),
        resources=draw(st.just((BANK, CALENDAR)) | some((BANK, CALENDAR))),
    )


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Anything that a client could ask for."""
    details = draw(st.just([]) | st.lists(items(), max_size=2))
    asked = tuple(Asked(item=item, required=draw(some(item.fields))) for item in details)
    return Wish(
        scopes=draw(st.just(()) | some((*SCOPES, "openid", "no.such"))),
        details=asked,
        resources=draw(st.just(()) | some((BANK, CALENDAR, ELSEWHERE))),
    )


ceilings = st.none() | st.builds(
    lambda scopes: Ceiling(scopes=scopes, items=tuple(i for s in scopes for i in CATALOG.scope_items((s,)))),
    some(SCOPES),
)


def within(narrow: Item, wide: Item) -> bool:
    """Said once more in plain words, so that the rule is not held against itself."""
    older = wide.lookback_days is None or (narrow.lookback_days or 10**9) <= wide.lookback_days
    things = set(narrow.resources) <= set(wide.resources) and bool(narrow.resources) == bool(wide.resources)
    return (
        (narrow.type, narrow.api, narrow.datatype, narrow.purpose) == (wide.type, wide.api, wide.datatype, wide.purpose)
        and set(narrow.locations) <= set(wide.locations)
        and set(narrow.actions) <= set(wide.actions)
        and set(narrow.fields) <= set(wide.fields)
        and things
        and older
        and (not wide.calls or (narrow.calls or 10**9) <= wide.calls)
        and (bool(wide.explicit) or not narrow.explicit)
    )


@settings(max_examples=300, deadline=None)
@given(held(), wishes(), ceilings)
def test_what_is_passed_on_is_never_more_than_is_held_or_may_be_received(
    whole: Held, wish: Wish, ceiling: Ceiling | None
) -> None:
    """Covers: check 148; I10: scope, resource, fields, things, days, calls, purpose, action, yes."""
    try:
        part = attenuate(CATALOG, whole, wish, ceiling)
    except OAuthError as refused:
        event(refused.code)
        return
    event("given")
    assert part.items
    assert all(any(within(item, of) for of in whole.items) for item in part.items)
    assert set(part.scope.split()) <= set(whole.scope.split())
    assert set(part.resources) <= set(whole.resources)
    assert {place for item in part.items for place in item.locations} == set(part.resources)
    if wish.scopes:
        assert set(wish.scopes) <= set(whole.scope.split())
    if wish.resources:
        assert set(part.resources) == set(wish.resources)
    if ceiling is not None:
        assert set(part.scope.split()) <= set(ceiling.scopes)
        for item in part.items:
            limits = [one for one in ceiling.items if (one.api, one.datatype, one.purpose, one.actions)
                      == (item.api, item.datatype, item.purpose, item.actions)]  # fmt: skip
            assert set(item.fields) <= {field for one in limits for field in one.fields}


@settings(max_examples=300, deadline=None)
@given(held(), wishes(), wishes(), ceilings)
def test_a_part_of_a_part_is_no_more_than_the_part(
    whole: Held, first: Wish, second: Wish, ceiling: Ceiling | None
) -> None:
    """Covers: I10 over any number of hops."""
    try:
        part = attenuate(CATALOG, whole, first, ceiling)
        again = attenuate(CATALOG, part, second)
    except OAuthError:
        return
    assert all(any(within(item, of) for of in part.items) for item in again.items)
    assert set(again.resources) <= set(part.resources)


NOW = 1_800_000_000
CARD = ClientCard(ClientId("otto"), "Otto", "registered", "agent", "otto.example", "", "Otto Ltd", None)
PROFILE = ClientProfile(card=CARD, ceiling=(), metadata_hash="", contact="")


def version(granted: tuple[Item, ...], expires_at: int, depth: int) -> Version:
    """A version with these items, this end, and so many ancestors. What else it says plays no part here."""
    known = dict.fromkeys(Version.__struct_fields__)
    lineage = tuple(Link(ConsentId(f"g_{n}"), 1, 1) for n in range(depth))
    return Version(**{**known, "granted": granted, "expires_at": expires_at, "lineage": lineage or msgspec.UNSET})


@given(
    st.lists(items(), min_size=1, max_size=3),
    st.lists(items(), min_size=0, max_size=2),
    st.integers(0, 3),
    st.integers(-1, 100),
    st.integers(0, 6),
    st.integers(2, DEEPEST),
)
def test_nothing_is_recorded_that_is_wider_longer_or_deeper(
    granted: list[Item], wanted: list[Item], taken: int, seconds: int, depth: int, most: int
) -> None:
    """Covers: check 148, 149, 150; I10: the second guard, where the consent is recorded."""
    parts = tuple(granted[:taken]) + tuple(wanted)
    part = Part(
        receiver=PROFILE, subject=SubjectId("pw"), items=parts, scope="", expires_at=NOW + seconds, channel="x",
        depth=most,
    )  # fmt: skip
    fits = bool(parts) and all(any(within(item, of) for of in granted) for item in parts)
    lasts, shallow = 0 < seconds <= 50, depth + 2 <= most
    try:
        _require_narrower(version(tuple(granted), NOW + 50, depth), part, NOW)
    except OAuthError:
        assert not (fits and lasts and shallow)
    else:
        assert fits
        assert lasts
        assert shallow


@pytest.mark.parametrize(
    ("rule", "wider"),
    [
        ("fields", ("date", "iban")),
        ("resources", ("a1", "a2")),
        ("lookback_days", 400),
        ("calls", 6),
        ("explicit", True),
    ],
)
def test_the_words_of_this_page_tell_wider_from_narrower(rule: str, wider: Any) -> None:
    """A check that cannot fail shows nothing."""
    narrow = msgspec.structs.replace(ITEMS[0], fields=("date",), resources=("a1",), lookback_days=30, calls=5)
    assert within(narrow, narrow)
    assert not within(msgspec.structs.replace(narrow, **{rule: wider}), narrow)
