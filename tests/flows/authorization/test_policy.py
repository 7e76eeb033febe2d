"""The authority asks the policy that gateways ask: what it forbids is neither agreed to nor minted."""

import pytest

from grantline.model.consent import Status
from grantline.sdk.client import AccessRefused
from tests.authorization_world import CONFIDENTIAL, PUBLIC, World, query_of

CLIENT = '@id("ours.client") forbid (principal == Grantline::Client::"budget", action, resource);'
PURPOSE = '@id("ours.purpose") forbid (principal, action, resource) when { context.purpose == "budgeting" };'
DATA = '@id("ours.data") forbid (principal, action, resource == Grantline::Data::"bank/transactions");'
OTHERS = '@id("ours.other") forbid (principal, action, resource) when { context.purpose == "tax" };'


@pytest.mark.parametrize("overlay", [CLIENT, PURPOSE, DATA])
async def test_what_policy_forbids_cannot_be_agreed_to(world: World, overlay: str) -> None:
    """Covers: I1. The client hears `access_denied`; what stands afterwards is a refusal, and nothing was granted."""
    world.forbid(overlay)
    session = await world.sign_in()
    begun = await world.app().begin(scope="bank.transactions")
    answer = query_of(await world.allow(begun))
    assert answer["error"] == "access_denied"
    assert "rule of this server" in answer["error_description"]
    assert (answer["state"], "code" in answer) == (begun.state, False)
    states = await world.database.read(lambda tx: tx.consents.of_person(session.person))
    assert [state.status for state in states] == [Status.REFUSED]
    assert [event.type for event in await world.events() if "given" in event.type] == []


async def test_a_policy_about_something_else_changes_nothing(world: World) -> None:
    """The evaluation is of this consent's own items."""
    world.forbid(OTHERS)
    tokens = await world.connect(world.app())
    assert tokens.access_token


@pytest.mark.parametrize("overlay", [CLIENT, PURPOSE, DATA])
async def test_what_policy_forbids_by_now_is_not_minted(world: World, overlay: str) -> None:
    """Covers: I3. A code and a refresh token are refused, and neither is used up: the rule may be lifted again."""
    app = world.app()
    tokens = await world.connect(app)
    begun = await app.begin(scope="bank.transactions", prompt="consent")
    url = await world.allow(begun)
    world.forbid(overlay)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.finish(begun, url)
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(tokens.refresh_token or "")
    world.forbid()
    world.clock.pass_seconds(40)
    assert (await app.finish(begun, url)).access_token
    assert (await app.refresh(tokens.refresh_token or "")).access_token


async def test_a_consent_from_before_a_rule_is_not_answered_silently(world: World) -> None:
    """A confidential client gets no code on a consent that policy forbids by now."""
    app = world.app(CONFIDENTIAL)
    await world.connect(app)
    begun = await app.begin(scope="bank.transactions")
    world.forbid(DATA)
    assert query_of((await world.browse(begun.url)).headers["location"])["error"] == "access_denied"


async def test_the_question_is_the_one_that_gateways_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every item and act of the consent is judged, with its own resources, fields and purpose; all of it is allowed."""
    asked = []
    decider = world.policy[0]

    class Watched:
        def decide(self, version, standing, call, now):
            asked.append(call)
            return decider.decide(version, standing, call, now)

    world.policy[0] = Watched()
    session = await world.sign_in()
    app = world.app(PUBLIC)
    begun = await app.begin(scope="bank.transactions bank.categories")
    allowed = await world.allow(begun)
    # What was answered for this second is not asked again within it.
    world.clock.pass_seconds(1)
    await app.finish(begun, allowed)
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(session.person))
    version = await world.database.read(lambda tx: tx.consents.version(state.consent_id, state.version))
    assert version is not None
    granted = [(item.datatype, act, item.resources, item.fields) for item in version.granted for act in item.actions]
    agreed, minted = asked[: len(granted)], asked[len(granted) :]
    for calls in (agreed, minted):
        assert [(call.datatype, call.action, call.resources, call.fields) for call in calls] == granted
    assert {call.reads for call in asked} == {True, False}
