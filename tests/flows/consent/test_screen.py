"""The page puts exactly the words before the person whose hash the record keeps."""

import re
import tomllib
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grantline.catalog import build_catalog
from grantline.consent import Change, Manner, summarise, words
from grantline.ui import portal
from grantline.ui.kit import Formats
from grantline.ui.kit.assets import Assets
from grantline.ui.kit.pages import Pages
from grantline.ui.portal.views.consent import consent_view, first_picks
from tests.consent_world import CATALOG, World

PAGES = Pages(Assets(), "Example Bank", Path(portal.__file__).parent / "templates")


def screen(world: World, change: Change | None = None) -> str:
    """The consent page as a person reads it: text alone, spaces joined."""
    asked = world.asked if change is None else change.asked
    offer = world.offer(asked, change)
    picks = first_picks(offer)
    summary = summarise(catalog=world.catalog, asked=asked, offer=offer, picks=picks)
    formats = Formats(ZoneInfo("UTC"), world.clock.wall_us())
    view = consent_view(offer, picks, summary, formats, refused=False)
    page = PAGES.text(
        "portal/consent.html", heading=view.heading, action="/", token="t", other_person="/",
        question=PAGES.text("portal/question.html", v=view, updated=False, asked=None),
        signed_in_as="Account holder", updated=False,
    )  # fmt: skip
    return " ".join(unescape(re.sub(r"<[^>]*>", "\u200b", page)).replace("\u200b", "").split())


def spoken(world: World) -> list[str]:
    """What has to stand on it: lines, purposes, ends, facts, from the one source of words."""
    offer = world.offer()
    lines = [re.sub(r"\. Because: ", " Because: ", words.line_text(line)) for line in offer.lines]
    ends = [f"ends {words.day(choice.ends_at)}" for choice in offer.durations]
    facts = [text for _, text in offer.facts]
    return [" ".join(text.split()) for text in [*lines, *ends, *facts, *(group.heading for group in offer.resources)]]


def test_every_line_that_is_hashed_stands_on_the_page():
    """Covers: C3, C9, C17, I12."""
    page = screen(World())
    missing = [text for text in spoken(World()) if text not in page]
    assert missing == []


async def test_every_line_about_a_change_that_is_hashed_stands_on_the_page(tmp_path):
    """Covers: C8, I12."""
    world = World.at(tmp_path / "state.db")
    _, before = await world.given()
    for manner in Manner:
        change = world.change(before, manner, "bank.categories")
        offer = world.offer(change.asked, change)
        page = screen(world, change)
        told = (*words.new_lines(offer), *offer.changing.stays, *offer.changing.goes)
        assert told
        assert [text for text in told if " ".join(text.split()) not in page] == []
    world.work.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [('label = "budgeting"', 'label = "money plan"'), ('label = "merchant name"', 'label = "shop"')],
    ids=["purpose", "field"],
)
def test_a_word_changed_in_the_catalog_changes_the_page(old, new):
    """Covers: ARCHITECTURE.md idea 7."""
    text = CATALOG.read_text(encoding="utf-8")
    changed = World(catalog=build_catalog(tomllib.loads(text.replace(old, new))))
    before, after = (re.search(r'"(.+)"', one)[1] for one in (old, new))
    assert before in screen(World())
    assert before not in screen(changed)
    assert after in screen(changed)
