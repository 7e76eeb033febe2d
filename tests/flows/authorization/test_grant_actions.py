"""Grant Management for OAuth 2.0: a request makes a grant, adds to one, or puts another in its place."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from grantline.authorization import Settings
from grantline.consent import Offer, Picks
from grantline.model.consent import Status
from grantline.model.errors import InvalidRequest, NotFound
from grantline.model.events import EventType
from grantline.model.ids import ApiId, ConsentId, PersonId
from grantline.sdk.client import AccessRefused, Begun, Client, Tokens
from tests.authorization_world import CONFIDENTIAL, PUBLIC, World, every, handle_of, query_of
from tests.flows.authorization.raw import claims_of
from tests.flows.authorization.signed_requests import push, signed
from tests.grants_world import BANK, CALENDAR

SCOPES = ("openid", "profile", "bank.transactions", "bank.balances", "bank.categories", "calendar.events")
LEDGERLY = msgspec.structs.replace(CONFIDENTIAL, scopes=SCOPES, details=("bank_data",))
OTHER = msgspec.structs.replace(LEDGERLY, id="other", redirect_uris=("https://other.example/cb",))
BALANCES = {"scope": "bank.balances"}


@pytest.fixture
async def app(world: World) -> Client:
    """A client that proves itself, and another."""
    await world.register(LEDGERLY, OTHER)
    return world.app(LEDGERLY)


@pytest.fixture
async def first(world: World, app: Client) -> Tokens:
    """What stands: transactions of one account."""
    return await world.connect(app, grant_management_action="create")


def refresh_of(tokens: Tokens) -> str:
    assert tokens.refresh_token is not None
    return tokens.refresh_token


async def begin(app: Client, tokens: Tokens, action: str, **more: str) -> Begun:
    return await app.begin(**{**BALANCES, "grant_management_action": action, "grant_id": tokens.grant_id, **more})


async def changed(world: World, app: Client, tokens: Tokens, action: str, **more: Any) -> Tokens:
    picks = more.pop("picks", None)
    begun = await begin(app, tokens, action, **more)
    return await app.finish(begun, await world.allow(begun, picks=picks))


async def arrived(world: World, begun: Begun) -> str:
    """Where the browser goes from the authorization endpoint."""
    return (await world.browse(begun.url)).headers["location"]


def held(tokens: Tokens) -> dict[str, tuple[set[str], set[str]]]:
    """Kind of data → its fields and accounts."""
    return {
        one["datatypes"][0]: (set(one["fields"]), set(one.get("resources", ()))) for one in tokens.authorization_details
    }


# Making a grant


async def test_a_new_grant_has_an_id_in_the_token_answer_and_nowhere_before(world: World, app: Client) -> None:
    """Covers: line 6 (create); Grant Management §5.3, §5.5."""
    begun = await app.begin(scope="bank.balances", grant_management_action="create")
    back = await world.allow(begun)
    assert "grant_id" not in query_of(back)
    tokens = await app.finish(begun, back)
    state = await world.database.read(lambda tx: tx.consents.get(ConsentId(tokens.grant_id)))
    assert state is not None
    assert (state.status, state.client) == (Status.ACTIVE, "ledgerly")


async def test_create_never_finds_an_answer_of_before(world: World, app: Client, first: Tokens) -> None:
    """Covers: Grant Management §5.2: a fresh grant, beside the one there is (concurrent grants)."""
    again = await world.connect(app, grant_management_action="create")
    assert again.grant_id != first.grant_id
    assert (await app.refresh(refresh_of(first))).grant_id == first.grant_id
    begun = await app.begin(scope="bank.transactions", grant_management_action="create", prompt="none")
    assert query_of(await arrived(world, begun))["error"] == "consent_required"


async def test_without_an_action_nothing_is_merged_by_accident(world: World, app: Client, first: Tokens) -> None:
    """Covers: Grant Management §5.2: more scopes without an action are a consent of their own."""
    more = await world.connect(app, scope="bank.transactions bank.balances")
    assert more.grant_id != first.grant_id
    same = await world.connect(app, scope="bank.transactions")
    assert same.grant_id in {first.grant_id, more.grant_id}
    assert await world.endings() == []


# What is refused before anybody is asked


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"grant_management_action": "update", "grant_id": True}, "invalid_request"),
        ({"grant_management_action": "query", "grant_id": True}, "invalid_request"),
        ({"grant_id": True}, "invalid_request"),
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "replace"}, "invalid_request"),
        ({"grant_management_action": "create", "grant_id": True}, "invalid_request"),
        ({"grant_management_action": "merge", "grant_id": "g_unknown"}, "invalid_grant_id"),
        ({"grant_management_action": "replace", "grant_id": "g_unknown"}, "invalid_grant_id"),
        ({"grant_management_action": "merge", "grant_id": "x" * 101}, "invalid_request"),
        ({"grant_management_action": "merge", "grant_id": True, "scope": "no.such"}, "invalid_scope"),
    ],
)
async def test_what_makes_no_sense_is_refused_at_both_endpoints(
    world: World, app: Client, first: Tokens, sent: dict[str, Any], error: str
) -> None:
    """Covers: line 6; Grant Management §5.4."""
    sent = {name: first.grant_id if value is True else value for name, value in {**BALANCES, **sent}.items()}
    with pytest.raises(AccessRefused, match=f"{error}:"):
        await app.begin(**sent)
    plain = {
        "client_id": LEDGERLY.id, "response_type": "code", "redirect_uri": LEDGERLY.redirect_uris[0],
        "code_challenge": "c" * 43, "code_challenge_method": "S256", **sent,
    }  # fmt: skip
    told = query_of((await world.browse(f"/authorize?{urlencode(plain)}")).headers["location"])
    assert (told["error"], "grant_id" in told) == (error, False)


async def _of_another_client(world: World, tokens: Tokens) -> tuple[Client, str]:
    return world.app(OTHER), tokens.grant_id


async def _withdrawn(world: World, tokens: Tokens) -> tuple[Client, str]:
    consent = ConsentId(tokens.grant_id)
    await world.database.write(
        lambda tx: world.server.consents.withdraw(tx, consent=consent, person=world.people["ada"]), essential=True
    )
    return world.app(LEDGERLY), tokens.grant_id


async def _too_old(world: World, tokens: Tokens) -> tuple[Client, str]:
    world.clock.pass_seconds(400 * 86_400)
    return world.app(LEDGERLY), tokens.grant_id


async def _passed_on(world: World, tokens: Tokens) -> tuple[Client, str]:
    tokens = await changed(world, world.app(LEDGERLY), tokens, "merge")
    part = await world.app(LEDGERLY).refresh(refresh_of(tokens), scope="bank.balances")
    return world.app(LEDGERLY), claims_of(part.access_token)["grant_id"]


@pytest.mark.parametrize("wrong", [_of_another_client, _withdrawn, _too_old, _passed_on])
@pytest.mark.parametrize("action", ["merge", "replace"])
async def test_only_a_standing_grant_of_this_client_can_be_changed(
    world: World, first: Tokens, wrong: Callable[..., Any], action: str
) -> None:
    """Covers: line 6; Grant Management §5.4: the same words whatever is wrong with it."""
    app, grant = await wrong(world, first)
    with pytest.raises(AccessRefused) as refused:
        await app.begin(scope="bank.balances", grant_management_action=action, grant_id=grant)
    with pytest.raises(AccessRefused) as unknown:
        await app.begin(scope="bank.balances", grant_management_action=action, grant_id="g_never_was")
    assert str(refused.value) == str(unknown.value)
    assert str(refused.value).startswith("invalid_grant_id: ")


async def test_public_clients_manage_no_grants(world: World) -> None:
    """Covers: Grant Management §5.1."""
    app = world.app(PUBLIC)
    tokens = await world.connect(app)
    for sent in (
        {"grant_management_action": "create"},
        {"grant_management_action": "merge", "grant_id": tokens.grant_id},
    ):
        with pytest.raises(AccessRefused, match="invalid_request"):
            await app.begin(scope="bank.balances", **sent)


async def test_an_action_may_be_required_of_everybody(world: World, app: Client) -> None:
    """Covers: Grant Management §7.1."""
    object.__setattr__(world.server, "settings", Settings(grant_management_action_required=True))
    with pytest.raises(AccessRefused, match="grant_management_action"):
        await app.begin(scope="bank.balances")
    assert (await world.connect(app, grant_management_action="create")).grant_id
    assert (await world.http.get("/.well-known/oauth-authorization-server")).json()["grant_management_action_required"]


async def test_the_parameters_count_in_a_signed_request_and_not_beside_it(
    world: World, app: Client, first: Tokens
) -> None:
    """Covers: check 21; Grant Management §5.2."""
    said = {"redirect_uri": LEDGERLY.redirect_uris[0], **BALANCES}
    wrong = {"grant_management_action": "merge", "grant_id": "g_unknown"}
    inside = await push(world, LEDGERLY.id, {"request": signed(LEDGERLY.id, **said, **wrong)})
    assert (inside.status_code, inside.json()["error"]) == (400, "invalid_grant_id")
    beside = await push(world, LEDGERLY.id, {"request": signed(LEDGERLY.id, **said), **wrong})
    assert beside.status_code == 201


# Adding to a grant


async def test_an_addition_asks_the_person_and_keeps_the_grant(world: World, app: Client, first: Tokens) -> None:
    """Covers: line 6 (merge); I7; T6."""
    begun = await begin(app, first, "merge")
    location = await arrived(world, begun)
    assert location.startswith("/consent/")
    offer = await world.look(handle_of(location), world.session)  # type: ignore[arg-type]
    assert isinstance(offer, Offer)
    assert offer.changing is not None
    assert not offer.changing.replaces
    assert [[field.id for field in line.new] for line in offer.lines] == [["balance"]]
    assert offer.changing.stays[0].startswith("Read date, amount, category")
    tokens = await app.finish(begun, await world.allow(begun))
    assert tokens.grant_id == first.grant_id
    assert set(held(tokens)) == {"transactions", "accounts"}
    assert held(tokens)["transactions"] == held(first)["transactions"]
    claims = claims_of(tokens.access_token)
    assert (claims["gver"], claims["gep"], claims["aud"]) == (2, 2, [BANK])
    assert tokens.scope == "bank.transactions bank.balances"


async def test_the_tokens_after_an_addition_are_for_all_of_the_grant(world: World, app: Client, first: Tokens) -> None:
    """Covers: Grant Management §3.4: one token for what was and what was added."""
    more = await changed(world, app, first, "merge", scope="openid calendar.events")
    claims = claims_of(more.access_token)
    assert set(claims["aud"]) == {BANK, CALENDAR, "http://localhost:9000"}
    assert set(claims["scope"].split()) == {"bank.transactions", "calendar.events", "openid"}
    assert more.id_token is not None
    there = await app.refresh(refresh_of(more), resource=CALENDAR)
    assert claims_of(there.access_token)["aud"] == [CALENDAR]


@pytest.mark.parametrize("action", ["merge", "replace"])
async def test_what_was_issued_before_ends_with_the_old_version(
    world: World, app: Client, first: Tokens, action: str
) -> None:
    """Covers: line 6; T6, I3, I4; Grant Management §5.2: earlier refresh tokens are invalid, and access tokens too."""
    now = await changed(world, app, first, action)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(refresh_of(first))
    ended = {(entry["kind"], entry["id"]): entry for entry in await world.endings()}
    assert ended["grant", first.grant_id]["min_epoch"] == 2
    assert ("family", claims_of(first.access_token)["fam"]) in ended
    assert ("family", claims_of(now.access_token)["fam"]) not in ended
    assert (await app.refresh(refresh_of(now))).grant_id == first.grant_id
    assert EventType.FAMILY_ENDED in [event.type for event in await world.events()]


async def test_a_code_of_before_is_worth_nothing_after_a_change(world: World, app: Client, first: Tokens) -> None:
    """Covers: I3: a code stands on the consent as it was when the code was made."""
    waiting = await app.begin(scope="bank.transactions")
    back = await world.allow(waiting)
    await changed(world, app, first, "replace")
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.finish(waiting, back)


async def test_an_addition_that_adds_nothing_passes_without_the_page(world: World, app: Client, first: Tokens) -> None:
    """Covers: Grant Management §3.9 (new tokens for a grant): nothing changes, so nothing ends."""
    begun = await begin(app, first, "merge", scope="bank.transactions", prompt="none")
    tokens = await app.finish(begun, await arrived(world, begun))
    assert (tokens.grant_id, held(tokens)) == (first.grant_id, held(first))
    assert claims_of(tokens.access_token)["gver"] == 1
    assert (await app.refresh(refresh_of(first))).grant_id == first.grant_id
    asked = await begin(app, first, "merge", scope="bank.transactions", prompt="consent")
    assert (await arrived(world, asked)).startswith("/consent/")


async def test_an_addition_finds_no_answer_in_another_grant(world: World, app: Client, first: Tokens) -> None:
    """Covers: I7: what was agreed elsewhere widens nothing here."""
    await world.connect(app, scope="bank.balances", grant_management_action="create")
    begun = await begin(app, first, "merge", prompt="none")
    assert query_of(await arrived(world, begun))["error"] == "consent_required"


async def test_a_replacement_always_asks(world: World, app: Client, first: Tokens) -> None:
    """Covers: line 6 (replace)."""
    begun = await begin(app, first, "replace", scope="bank.transactions", prompt="none")
    assert query_of(await arrived(world, begun))["error"] == "consent_required"


async def test_in_a_replacement_old_things_go_unless_asked_for_again(world: World, app: Client, first: Tokens) -> None:
    """Covers: line 6 (replace); Grant Management §5.2: only what is asked and agreed now."""
    tokens = await changed(world, app, first, "replace")
    assert (tokens.grant_id, set(held(tokens)), tokens.scope) == (first.grant_id, {"accounts"}, "bank.balances")
    version = await world.database.read(lambda tx: tx.consents.version(ConsentId(first.grant_id), 2))
    assert version is not None
    assert (version.scope, {item.datatype for item in version.granted}) == ("bank.balances", {"accounts"})


async def test_the_person_can_only_narrow_what_is_asked(world: World, app: Client, first: Tokens) -> None:
    """Covers: I7, C15."""
    begun = await begin(app, first, "merge", scope="bank.transactions bank.balances")
    offer = await world.look(handle_of(await arrived(world, begun)), world.session)  # type: ignore[arg-type]
    assert isinstance(offer, Offer)
    handle = handle_of(await arrived(world, begun))
    wide = Picks(frozenset({"bank.categories.write.budgeting:all"}), {ApiId("bank"): ("acc-1",)}, offer.default_days)
    with pytest.raises(InvalidRequest):
        await world.interaction.approve(handle, wide, world.session, digest=offer.digest)  # type: ignore[arg-type]
    none = Picks(frozenset(), {}, offer.default_days)
    tokens = await app.finish(begun, await world.allow(begun, picks=none))
    assert held(tokens) == held(first)


async def test_details_of_a_client_are_added_like_scopes(world: World, app: Client, first: Tokens) -> None:
    """Covers: line 6; RFC 9396."""
    detail = {"type": "bank_data", "actions": ["read"], "datatypes": ["accounts"], "fields": ["balance"],
              "purpose": "budgeting", "resources": ["acc-2"]}  # fmt: skip
    begun = await app.begin(
        scope="", authorization_details=json.dumps([detail]), grant_management_action="merge", grant_id=first.grant_id
    )
    tokens = await app.finish(begun, await world.allow(begun))
    assert held(tokens) == {**held(first), "accounts": ({"balance"}, {"acc-2"})}


# Who answers


async def test_only_who_gave_the_grant_can_change_it(world: World, app: Client, first: Tokens) -> None:
    """Covers: Grant Management §5.4: another person signed in."""
    await world.sign_in("ben")
    begun = await begin(app, first, "merge")
    told = query_of(await arrived(world, begun))
    assert told["error"] == "invalid_grant_id"
    assert await world.endings() == []


async def test_a_second_person_cannot_answer_a_question_about_another_persons_grant(
    world: World, app: Client, first: Tokens
) -> None:
    """Covers: check 38."""
    begun = await begin(app, first, "merge")
    handle = handle_of(await arrived(world, begun))
    ben = await world.sign_in("ben")
    with pytest.raises(NotFound):
        await world.look(handle, ben)


async def test_a_no_is_recorded_and_leaves_everything(world: World, app: Client, first: Tokens) -> None:
    """Covers: T6; the evidence of a refusal."""
    begun = await begin(app, first, "replace")
    handle, session = handle_of(await arrived(world, begun)), world.session
    assert session is not None
    await world.look(handle, session)
    back = await world.interaction.refuse(handle, session)
    assert query_of(back)["error"] == "access_denied"
    asked, refused = [event for event in await world.events() if event.type.value.startswith("consent.")][-2:]
    assert (asked.type, refused.type) == (EventType.CONSENT_REQUESTED, EventType.CONSENT_REFUSED)
    assert asked.consent == refused.consent == first.grant_id
    assert await world.endings() == []
    assert (await app.refresh(refresh_of(first))).grant_id == first.grant_id


async def test_what_policy_forbids_is_not_added(world: World, app: Client, first: Tokens) -> None:
    """Covers: I12: policy is asked where a change is agreed, too; what stood goes on."""
    world.forbid('@id("ours.data") forbid (principal, action, resource == Grantline::Data::"bank/accounts");')
    begun = await begin(app, first, "merge")
    assert query_of(await world.allow(begun))["error"] == "access_denied"
    state = await world.database.read(lambda tx: tx.consents.get(ConsentId(first.grant_id)))
    assert state is not None
    assert (state.version, state.status) == (1, Status.ACTIVE)


async def test_a_grant_that_ended_meanwhile_is_not_changed(world: World, app: Client, first: Tokens) -> None:
    """Covers: I6."""
    begun = await begin(app, first, "merge")
    handle, session = handle_of(await arrived(world, begun)), world.session
    assert session is not None
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    await _withdrawn(world, first)
    with pytest.raises(NotFound):
        await world.interaction.approve(handle, every(offer), session, digest=offer.digest)


async def test_a_question_answers_what_stands_now(world: World, app: Client, first: Tokens) -> None:
    """Covers: C15: the grant changed while the page was open."""
    one, two = await begin(app, first, "merge"), await begin(app, first, "merge", scope="calendar.events")
    handle, session = handle_of(await arrived(world, one)), world.session
    assert session is not None
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    await app.finish(two, await world.allow(two))
    with pytest.raises(InvalidRequest, match="changed"):
        await world.interaction.approve(handle, every(offer), session, digest=offer.digest)


async def test_one_grant_has_one_place_with_its_history(world: World, app: Client, first: Tokens) -> None:
    """Covers: R8: each change is a version of the same connection."""
    await changed(world, app, first, "merge")
    states = await world.database.read(lambda tx: tx.consents.of_person(PersonId("p_ada")))
    assert [state.consent_id for state in states] == [first.grant_id]
    versions = await world.database.read(lambda tx: tx.consents.versions(ConsentId(first.grant_id)))
    assert [version.version for version in versions] == [1, 2]
