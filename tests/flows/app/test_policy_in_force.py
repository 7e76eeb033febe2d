"""One policy: what an operator applies holds at the authority at once, and is what gateways are told to load."""

import pytest

from grantline.app.places import Places
from grantline.model.ids import GatewayId
from grantline.sdk.client import AccessRefused
from tests.instance_world import Instance, query_of

FORBIDS = '@id("ours.events") forbid (principal, action, resource == Grantline::Data::"calendar/events");'


async def test_a_rule_of_the_operator_stops_consents_and_tokens_and_is_lifted_again(house: Instance) -> None:
    """Covers: I1, I3. Through the pages and endpoints; the same text is in the bundle of every gateway."""
    person, app = house.visitor(), house.app()
    begun, url = await person.connect(app)
    tokens = await app.finish(begun, url)
    Places(house.data).policy.write_text(FORBIDS)
    await house.reload()

    _, refused = await person.connect(app, prompt="consent")
    assert query_of(refused)["error"] == "access_denied"
    with pytest.raises(AccessRefused, match="invalid_grant"):
        await app.refresh(tokens.refresh_token or "")
    server = house.composed.server
    bundle = await house.composed.rules.bundle(GatewayId("calendar"), server.issuer, (server.keys.signing.public,))
    assert FORBIDS in bundle.policy
    assert bundle.policy_hash == house.composed.rules.decider().policies.hash

    Places(house.data).policy.unlink()
    await house.reload()
    assert (await app.refresh(tokens.refresh_token or "")).access_token
