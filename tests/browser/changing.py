"""Requests that change what stands: more of it, or something else in its place."""

from grantline.consent import Agreement, Approval, Change, ClientProfile, Manner, Picks, change, compose, narrow
from grantline.consent import make_offer as offer_for
from grantline.model.consent import Ceremony, State, Status, Version
from grantline.model.ids import ApiId, ConsentId, PersonId, SubjectId
from tests.browser.fakes import ACCOUNTS, NOW, FakeWorld

HANDLE = "h-budget"
DAY = 86_400
BEFORE = ("bank.transactions", "calendar.events")
MERCHANT = "bank.transactions.read.budgeting:field.merchant"
ALL = (*BEFORE, "bank.balances", "bank.categories")


def adding(world: FakeWorld) -> None:
    """The app has transactions and events, and asks for balances and for more of the transactions."""
    world.interaction.changes[HANDLE] = _changed(world, Manner.MERGE, "bank.transactions", "bank.balances")


def replacing(world: FakeWorld) -> None:
    """The same app wants balances and to set categories, and nothing else any more."""
    world.interaction.changes[HANDLE] = _changed(world, Manner.REPLACE, "bank.balances", "bank.categories")


def _changed(world: FakeWorld, manner: Manner, *scopes: str) -> Change:
    catalog = world.interaction.catalog
    asked, ceiling = catalog.asked_by_scopes(scopes), catalog.scope_items(ALL)
    return change(catalog, _before(world), manner=manner, asked=asked, scope=" ".join(scopes), ceiling=ceiling)


def _before(world: FakeWorld) -> Version:
    """What was agreed thirty days ago."""
    interaction = world.interaction
    catalog, then = interaction.catalog, NOW - 30 * DAY
    profile = ClientProfile(
        card=interaction.clients[HANDLE], ceiling=catalog.scope_items(ALL), metadata_hash="0" * 64,
        contact="help@app.example",
    )  # fmt: skip
    asked = catalog.asked_by_scopes(BEFORE)
    offer = offer_for(catalog=catalog, client=profile, asked=asked, resources={ApiId("bank"): ACCOUNTS}, now=then)
    lines = frozenset({MERCHANT, *(line.key for line in offer.lines if line.api == "calendar")})
    account = next(one.id for one in ACCOUNTS if one.available)
    agreed = narrow(
        catalog=catalog, client=profile, asked=asked, offer=offer, digest=offer.digest,
        picks=Picks(lines, {ApiId("bank"): (account,)}, 90),
    )  # fmt: skip
    ceremony = Ceremony(id="c_1", amr=("pwd",), auth_time=then, decided_ms=9_000, channel="web")
    scope = " ".join(BEFORE)
    approval = Approval(
        client=profile, asked=asked, scope=scope, agreed=agreed, ceremony=ceremony, resource_subjects=()
    )
    state = State(
        consent_id=ConsentId("g_budget"), person=PersonId("p_1"), subject=SubjectId("s_1"), client=profile.card.id,
        status=Status.ACTIVE, version=1, epoch=1, min_epoch=1, confirmed_at=then, created_at=then,
    )  # fmt: skip
    agreement = Agreement(approval=approval, offered=asked, scope=scope, shown=())
    return compose(catalog, state, agreement, record_id="r_1", now=then, before=None)
