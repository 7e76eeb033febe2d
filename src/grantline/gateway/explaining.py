"""Why would this call be allowed or denied: the gateway's own judgement over a consent as it stands, with no call."""

from grantline.catalog import Catalog
from grantline.gateway.facts import call_facts
from grantline.gateway.locate import Places
from grantline.gateway.purpose import purpose_of
from grantline.gateway.records import Trail
from grantline.gateway.refusal import Refusal
from grantline.gateway.step_up import StepUp
from grantline.gateway.verify import Caller
from grantline.model.consent import EnforcedVersion
from grantline.model.decision import Call, Decision, Deny
from grantline.model.feed import Position
from grantline.model.ids import EvaluationId, TokenId
from grantline.model.token import AccessClaims
from grantline.policy import Decider, Finding, Policies, PolicyTexts, StateFacts, core_texts

_NO_CALL = EvaluationId("ev_explain")


def explain(
    catalog: Catalog, version: EnforcedVersion, state: StateFacts, call: Call, now: int,
    *, texts: PolicyTexts | None = None,
) -> tuple[Decision, tuple[Finding, ...]]:  # fmt: skip
    """The decision on `call` by a token of this consent, and every clause judged. `now` in unix seconds.

    `texts`: the published policy, if it is not the core alone. Token and proof are taken to be good.
    """
    places = Places(catalog)
    decider = Decider(Policies(texts or core_texts(catalog.file.actions)), places.data_entities())
    trail = Trail(_NO_CALL, call, now * 1_000_000)
    try:
        place = places.place(call)
        trail.purpose = purpose_of(call, tuple(dict.fromkeys(item.purpose for item in version.items)))
    except Refusal as refusal:
        return Deny(refusal.reason, _NO_CALL, refusal.detail), ()
    return decider.explain(version, state, call_facts(trail, _holder(version, place.resource), place, places), now)


def demanded(catalog: Catalog, call: Call) -> StepUp:
    """What the route of this call asks of the person's sign-in: a token has to show it, no consent can."""
    try:
        return Places(catalog).place(call).route.step_up
    except Refusal:
        return StepUp()


def _holder(version: EnforcedVersion, audience: str) -> Caller:
    """Whoever holds a token of this consent."""
    claims = AccessClaims(
        iss="", aud=(audience,), sub=version.subject, client_id=version.client, exp=0, iat=0, jti=TokenId(""),
        scope="", grant_id=version.consent_id, gver=version.version, gep=0, seq=Position(0, 0), pur=(),
    )  # fmt: skip
    return Caller(claims, "", "")
