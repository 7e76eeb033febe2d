"""What was passed on is allowed only as long, and as far, as everyone allows it through whose hands it went.

A part is never wider than its whole when it is made; what changes later (confirmation, a client that is stopped, the
organisation's policies) is asked of each ancestor at the call itself.
"""

from dataclasses import dataclass

import msgspec

from grantline.gateway.compiled import Compiled
from grantline.gateway.refusal import Refusal
from grantline.gateway.store import VersionStore
from grantline.model.consent import EnforcedVersion, Item, Status
from grantline.model.decision import Decision, Deny, FieldFilter
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims
from grantline.policy import CallFacts, StateFacts


@dataclass(frozen=True, slots=True)
class Whole:
    """A version that a call stands on, and its epoch."""

    version: EnforcedVersion
    epoch: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """The version a token stands on, and what it is a part of: the nearest first, empty for what nobody passed on."""

    version: EnforcedVersion
    of: tuple[Whole, ...]


async def agreed(versions: VersionStore, version: EnforcedVersion, claims: AccessClaims) -> Agreed:
    """`version` with everything that it is a part of, fetched once each.

    Raises `Refusal`: `token_invalid` for a token that does not name the whole lineage, so that no ending misses it.
    """
    links = version.ancestors
    named = (*((link.grant, link.epoch) for link in links), (claims.grant_id, claims.gep)) if links else ()
    if claims.lin != named:
        raise Refusal(Reason.TOKEN_INVALID, "the lineage of the token is not that of its consent")
    found = []
    for link in reversed(links):
        whole = versions.cached(link.grant, link.version) or await versions.get(link.grant, link.version)
        if isinstance(whole, Reason):
            raise Refusal(whole, f"version {link.version} of {link.grant}, of which this is a part")
        found.append(Whole(whole, link.epoch))
    return Agreed(version, tuple(found))


def intersect(decision: Decision, of: tuple[Whole, ...], bundle: Compiled, facts: CallFacts, now: int) -> Decision:
    """The decision, if each whole allows the same: the fields that would leave, for its own client and agent.

    Otherwise the first refusal. `now` in unix seconds.
    """
    for whole in of:
        if isinstance(decision, Deny):
            return decision
        version = whole.version
        asked = msgspec.structs.replace(
            facts,
            client=version.client,
            subject=version.subject,
            actor=version.agent or None,
            fields=decision.fields,
            cut=_uncut,
        )
        standing = StateFacts(Status.ACTIVE, whole.epoch, whole.epoch, bundle.client_status(version.client))
        answer = bundle.decider.decide(version, standing, asked, now)
        if isinstance(answer, Deny):
            return answer
    return decision


def _uncut(_item: Item, _fields: tuple[str, ...]) -> FieldFilter | None:
    """The part's own decision says what is cut."""
    return None
