"""What many are asked is worked out once; what is one person's, or another moment's, is worked out again."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from grantline.authorization import Elsewhere, Question
from grantline.authorization.elsewhere import Way
from grantline.catalog import Catalog, load_catalog
from grantline.consent import make_offer
from grantline.ui.portal import Site, portal_site
from grantline.ui.portal.question import first_text
from tests.browser.fakes import FakeRandomness, FakeWorld
from tests.consent_world import ACCOUNTS, CATALOG, profile
from tests.flows.ui.conftest import SETTINGS, Browser

AT = 1_795_000_000
OPEN, PICKED = ("calendar.events",), ("bank.transactions",)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The demonstration's."""
    return load_catalog(Path(CATALOG))


@pytest.fixture
def site(world: FakeWorld) -> Site:
    """The pages' own part."""
    return portal_site(world.services(), SETTINGS, world.clock, FakeRandomness())


def question(catalog: Catalog, scopes: tuple[str, ...] = OPEN, now: int = AT, name: str = "Budget app") -> Question:
    """What one more person is asked: nothing of it is shared with another's by the test."""
    app = profile(catalog, (*OPEN, *PICKED))
    app = replace(app, card=replace(app.card, name=name))
    asked = catalog.asked_by_scopes(scopes)
    lists = dict(ACCOUNTS) if scopes == PICKED else {}
    offer = make_offer(catalog=catalog, client=app, asked=asked, resources=lists, now=now)
    return Question(offer, "https://app.budget.example/callback", asked, catalog)


def test_the_next_person_who_is_asked_the_same_is_shown_the_same_text(site: Site, catalog: Catalog) -> None:
    """Made once."""
    assert first_text(site, question(catalog)) is first_text(site, question(catalog))


def test_another_app_and_another_day_are_another_text(site: Site, catalog: Catalog) -> None:
    """Nobody is shown what another app asked, or ends counted from another moment."""
    first = first_text(site, question(catalog))
    other = first_text(site, question(catalog, name="Diary app"))
    later = first_text(site, question(catalog, now=AT + 40 * 86_400))
    assert "Diary app" in other.form
    assert "Diary app" not in first.form
    ends = [set(re.findall(r'<time datetime="([^"]+)"', text.form)) for text in (first, later)]
    assert ends[0]
    assert ends[0].isdisjoint(ends[1])


def test_what_is_one_persons_is_never_kept(site: Site, catalog: Catalog) -> None:
    """Their accounts; who asks them from elsewhere, and with which message."""
    own = question(catalog, PICKED)
    assert first_text(site, own) is not first_text(site, own)
    asked = Elsewhere(id="e", way=Way.BACKCHANNEL, address="192.0.2.7", message="Order 4711")
    there = replace(question(catalog), elsewhere=asked, asked_at=AT)
    assert "Order 4711" in first_text(site, there).form
    assert "Order 4711" not in first_text(site, question(catalog)).form


def test_each_persons_form_has_their_own_token_and_name(visitor: Browser, world: FakeWorld) -> None:
    """Also where the question in it is the same one."""
    world.interaction.scopes["h-budget"] = OPEN
    pages = []
    for _ in range(2):
        visitor.cookies.set("grantline", world.identity.begin().secret)
        pages.append((visitor.token("/consent/h-budget"), visitor.hidden("/consent/h-budget")["offer"]))
    (one, same), (two, also) = pages
    assert (one != two, same == also) == (True, True)
