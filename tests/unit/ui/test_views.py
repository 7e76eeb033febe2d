"""From values to words: lines, closures, pictures; no noun of the catalog stands in a template."""

import ast
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import grantline.ui
from grantline.consent import Offer, Picks, Summary, summarise, words
from grantline.ledger.reading import EventRow
from grantline.model.consent import Status
from grantline.model.events import EventType
from grantline.model.feed import Closure, ClosureState
from grantline.model.ids import ApiId, ConsentId, EventId
from grantline.model.reasons import NOT_FORWARDED, Reason
from grantline.ui.kit import Formats
from grantline.ui.kit.pictures import nice_step, shared_scale
from grantline.ui.portal.use import Use
from grantline.ui.portal.views.closure import closure_view
from grantline.ui.portal.views.consent import MOST_LINES, consent_view, first_picks
from grantline.ui.portal.views.detail import use_view
from grantline.ui.portal.views.words import STATES, may, plain, refusal
from tests.browser.fake_record import DAY, NOW
from tests.browser.fakes import BY_LEASE, CLOSED, PARTIAL, UNKNOWN, FakeWorld, closure, gateway

UI = Path(grantline.ui.__file__).parent
FORMATS = Formats(ZoneInfo("Europe/Madrid"), NOW * 1_000_000 + 308_000)


def test_no_template_and_no_sentence_of_ours_holds_a_noun_of_the_catalog(catalog_nouns: set[str]) -> None:
    """Covers: C17. Words of the domain come in as values."""
    texts = {file: _visible(file.read_text()) for file in UI.rglob("*.html")}
    texts |= {file: " ".join(_strings(file)) for file in (UI / "portal").rglob("*.py")}
    found = {(file.name, noun) for file, text in texts.items() for noun in catalog_nouns & _words(text)}
    assert not found


@pytest.fixture
def catalog_nouns() -> set[str]:
    """What the demonstration may delegate, why, and what of."""
    file = FakeWorld().catalog.file
    labels = [purpose.label for purpose in file.purposes.values()]
    for api in file.apis.values():
        labels += [api.label, *(data.label for data in api.data.values())]
        labels += [api.resource_list.one, api.resource_list.many] if api.resource_list else []
    common = {
        "example",
        "of",
        "a",
        "the",
        "when",
        "you",
        "your",
        "an",
        "is",
        "person",
        "owns",
        "showing",
        "decide",
        "check",
    }
    return _words(" ".join(labels)) - common


def test_the_screen_says_what_the_consent_part_says() -> None:
    """Covers: C3, C17, I12. Each line reads as the one source of text has it."""
    world = FakeWorld()
    offer = world.interaction.offer("h-budget")
    summary = _summary(world, first_picks(offer))
    view = consent_view(offer, first_picks(offer), summary, FORMATS, refused=False)
    shown = {
        line.key: f"{line.verb} {line.label}{line.of}. Because: {line.because}."
        for group in view.lines
        for line in (*group.open, *group.folded)
    }
    assert shown == {line.key: words.line_text(line) for line in offer.lines}


def test_at_most_seven_lines_are_open_and_required_ones_always() -> None:
    """Covers: C12."""
    world = FakeWorld()
    offer = world.interaction.offer("h-budget")
    many = tuple(replace(offer.lines[1], key=f"k{number}") for number in range(12))
    crowded = replace(offer, lines=(*many, offer.lines[0]))
    view = consent_view(crowded, first_picks(offer), _summary(world, first_picks(offer)), FORMATS, refused=False)
    opened = [line for group in view.lines for line in group.open]
    assert len(opened) == MOST_LINES
    assert any(line.required for line in opened)
    assert sum(len(group.open) + len(group.folded) for group in view.lines) == 13


def test_nothing_optional_is_ticked_and_nothing_is_picked_at_first() -> None:
    """Covers: C5."""
    world = FakeWorld()
    offer = world.interaction.offer("h-budget")
    view = consent_view(offer, first_picks(offer), _summary(world, first_picks(offer)), FORMATS, refused=False)
    lines = [line for group in view.lines for line in group.open]
    assert [line.ticked for line in lines] == [line.required for line in lines]
    assert not any(choice.picked for group in view.groups for choice in group.choices)


def _summary(world: FakeWorld, picks: Picks, offer: Offer | None = None) -> Summary:
    interaction = world.interaction
    offer = offer or interaction.offer("h-budget")
    return summarise(catalog=world.catalog, asked=interaction.asked("h-budget"), offer=offer, picks=picks)


def test_a_name_cannot_rewrite_its_line() -> None:
    """Covers: check 44. Control, format and bidirectional marks are gone; an empty name is said to be none."""
    assert plain("Bud\u202eget\u0000 \u2066app\u2069\u200b\n") == "Budget app"
    assert plain("\u202e") == "No name"


def test_every_state_and_every_reason_has_words() -> None:
    """A state without words would be a page that fails."""
    assert set(STATES) | {Status.ACTIVE} | {Status.SUSPENDED} >= set(Status)
    assert all(refusal(reason.value) for reason in Reason)
    assert refusal("from another version") == refusal(None)
    assert refusal(NOT_FORWARDED) != refusal(None)


def test_a_closed_stop_counts_from_the_click() -> None:
    """Covers: P5. 9 ms until the commit, then 32 ms until the last gateway."""
    view = closure_view(CLOSED, FORMATS, fence_us=2_200_000)
    assert view.answer.replace("\u00a0", " ") == "Stopped at 2 of 2 gateways in 41 ms"
    assert view.certain
    assert view.drained.replace("\u00a0", " ") == "None left after 140 ms"
    assert view.strip is not None
    assert [lane.text.replace("\u00a0", " ") for lane in view.strip.lanes] == ["18 ms", "41 ms"]


def test_a_stop_by_lease_is_told_as_such() -> None:
    """Covers: I11."""
    view = closure_view(BY_LEASE, FORMATS, fence_us=2_200_000)
    assert view.answer.replace("\u00a0", " ") == "Stopped at 2 of 2 gateways in 2.2 s"
    assert view.sentences == ("Calendar did not answer. Its permission ran out by itself.",)
    assert view.strip is not None
    assert view.strip.lanes[1].text.endswith("by lease")


def test_a_partial_stop_names_who_is_silent_and_for_how_long() -> None:
    """Covers: I11. The time left counts from the commit and shrinks."""
    view = closure_view(PARTIAL, FORMATS, fence_us=2_200_000)
    assert view.answer.replace("\u00a0", " ") == "Stopped at 1 of 2 gateways"
    assert not view.certain
    assert "Calendar has not answered." in view.sentences
    assert view.sentences[1].replace("\u00a0", " ") == "It can allow calls for at most 2.1 s more."
    late = Formats(ZoneInfo("UTC"), PARTIAL.committed_us + 2_300_000)
    assert closure_view(PARTIAL, late, fence_us=2_200_000).sentences[1] == "Its permission has run out."


def test_an_unknown_stop_claims_nothing() -> None:
    """Covers: I11. No count, no time, no picture."""
    view = closure_view(UNKNOWN, FORMATS, fence_us=2_200_000)
    assert view.unknown
    assert not view.certain
    assert view.strip is None
    assert not re.search(r"\d", view.answer)


@pytest.mark.parametrize("state", [ClosureState.OPEN, ClosureState.PARTIAL, ClosureState.UNKNOWN])
def test_only_a_closed_stop_is_certain(state: ClosureState) -> None:
    """Covers: I11. Acknowledgements alone do not make it closed."""
    said: Closure = closure(state, gateway("bank", "acknowledged", 5_000))
    view = closure_view(said, FORMATS, fence_us=2_200_000)
    assert not view.certain
    assert " in " not in view.answer


def test_may_counts_each_field_once_and_ends_with_why() -> None:
    """Covers: P2."""
    connection = FakeWorld().connections.all[ConsentId("g_budget")]
    text = "".join(span.text for span in may(connection)).replace("\u00a0", " ")
    assert text == "Read 5 fields of 1 account, because: budgeting"
    other = "".join(span.text for span in may(FakeWorld().connections.all[ConsentId("g_calendar")], lower=True))
    assert other.replace("\u00a0", " ") == "read 2 fields of events, because: scheduling"
    nothing = replace(connection, may=())
    assert [may(nothing)[0].text, may(nothing, lower=True)[0].text] == ["Nothing", "do nothing"]


def test_lines_share_one_scale_with_today_in_the_middle() -> None:
    """They compare down the list; nothing leaves the picture; two marks never hide each other."""
    scale = shared_scale([0, 1_000, 2_000], 1_000)
    assert [scale(time) for time in (0, 1_000, 2_000)] == [4.0, 50.0, 96.0]
    assert scale(1_001) == 54.5


@pytest.mark.parametrize(("largest", "steps", "step"), [(13, 3, 5), (15, 3, 5), (16, 3, 10), (1, 3, 1), (41, 4, 20)])
def test_axes_step_in_ones_twos_and_fives(largest: int, steps: int, step: int) -> None:
    """The smallest that covers."""
    assert nice_step(largest, steps) == step


def _visible(template: str) -> str:
    """What a template itself prints, attributes that are read aloud included."""
    spoken = " ".join(re.findall(r'aria-label="([^"{]*)"', template))
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", template, flags=re.S)
    return f"{re.sub(r'<[^>]*>', ' ', bare)} {spoken}"


def _strings(file: Path) -> list[str]:
    """String constants that are not docstrings."""
    tree = ast.parse(file.read_text())
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def test_a_choice_of_another_api_does_not_ask_for_things() -> None:
    """A group is missing only when something that would be granted reaches into it."""
    world = FakeWorld()
    offer = world.interaction.offer("h-budget")
    elsewhere = replace(offer, lines=tuple(replace(line, api=ApiId("calendar")) for line in offer.lines))
    summary = _summary(world, first_picks(offer), elsewhere)
    view = consent_view(elsewhere, first_picks(offer), summary, FORMATS, refused=True)
    assert not view.wrong
    needed = consent_view(offer, first_picks(offer), _summary(world, first_picks(offer)), FORMATS, refused=True)
    assert needed.wrong
    assert needed.groups[0].wrong.startswith("Pick at least one account")


def test_an_act_stands_over_its_own_day() -> None:
    """Covers: P3. The ring of an act and the bar of the same day share their place."""
    day_us = (NOW - 10 * DAY) * 1_000_000
    use = Use(Counter({FORMATS.date_key(day_us): 4}), Counter(), {})
    given = EventRow(
        index=1, event_id=EventId("e-1"), type=EventType.CONSENT_GIVEN, t=day_us, reason=None, version=1
    )  # fmt: skip
    chart = use_view(use, (given,), FORMATS).chart
    (bar,), (act,) = chart.bars, chart.acts
    assert act.x == pytest.approx(bar.x + bar.width / 2, abs=0.02)
    assert act.text == "Given\u00a04\u00a0Nov"
