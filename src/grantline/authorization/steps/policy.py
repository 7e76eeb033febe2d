"""The policy that gateways ask for each call, asked where access is agreed and where it is minted."""

from dataclasses import dataclass, field
from functools import lru_cache

from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.catalog import Catalog
from grantline.consent import enforced
from grantline.model.consent import EnforcedVersion, Item
from grantline.model.decision import Deny, FieldFilter
from grantline.model.errors import AccessDenied, InvalidGrant
from grantline.model.ids import EvaluationId
from grantline.parties import Standing
from grantline.policy import CallFacts, Decider, StateFacts


@dataclass(frozen=True, slots=True)
class _Question:
    """All that an answer depends on, the clock with it: who asks again within the second is told the same."""

    now: int
    content_hash: str
    confirmed_at: int
    standing: StateFacts
    items: tuple[Item, ...]
    catalog: Catalog
    decider: Decider
    stands: Stands = field(compare=False)


def require_agreeable(server: Server, stands: Stands) -> None:
    """Raise `AccessDenied` if policy forbids any of what this consent would grant: half an answer is none."""
    denied = forbidden(server, stands, stands.version.granted)
    if denied is not None:
        raise AccessDenied(f"A rule of this server does not allow it ({denied.because.value}).", detail=denied.detail)


def require_mintable(server: Server, stands: Stands, resources: tuple[str, ...]) -> None:
    """Raise `InvalidGrant` if policy forbids any of what a token for these audiences would hold.

    Asked before anything is redeemed: a rule that is lifted again must not have cost the client its refresh token.
    """
    items = tuple(item for item in stands.version.granted if set(item.locations) & set(resources))
    denied = forbidden(server, stands, items)
    if denied is not None:
        raise InvalidGrant("A rule of this server does not allow this access now.", detail=denied.detail)


def forbidden(server: Server, stands: Stands, items: tuple[Item, ...]) -> Deny | None:
    """The first refusal of anything that these items of the consent allow, each taken as a call for all of it."""
    state, version = stands.state, stands.version
    standing = StateFacts(state.status, state.epoch, state.min_epoch, Standing.ACTIVE.value)
    return _refusal(
        _Question(
            server.now(), version.content_hash, state.confirmed_at, standing, items, server.catalog(), server.policy(),
            stands,
        )
    )  # fmt: skip


@lru_cache(maxsize=256)
def _refusal(question: _Question) -> Deny | None:
    stands, catalog = question.stands, question.catalog
    # The version with all of its items, whichever are asked about: a decider keeps versions by name, parsed.
    version = enforced.cut(stands.version, stands.state, {item.api for item in stands.version.granted})
    if version is None:
        return None
    for item in question.items:
        for action in item.actions:
            call = _whole(catalog, version, item, action)
            decision = question.decider.decide(version, question.standing, call, question.now)
            if isinstance(decision, Deny):
                return decision
    return None


def _whole(catalog: Catalog, version: EnforcedVersion, item: Item, action: str) -> CallFacts:
    """A call for everything that one item allows. What gateways drop from answers is dropped from this one too."""
    entry, act = catalog.file.apis.get(item.api), catalog.file.actions.get(action)
    data = None if entry is None else entry.data.get(item.datatype)
    return CallFacts(
        evaluation=EvaluationId("authority"),
        client=version.client,
        subject=version.subject,
        actor=version.agent or None,
        api=item.api,
        api_type=item.type,
        location=next(iter(item.locations), ""),
        datatype=item.datatype,
        action=action,
        resources=item.resources,
        fields=item.fields,
        purpose=item.purpose,
        oldest=None,
        reads=act is not None and not act.changes,
        keeps_own_records=True,
        keeps_recent_records=True,
        special=data is not None and data.special,
        cut=_nothing_to_cut,
    )


def _nothing_to_cut(_item: Item, _fields: tuple[str, ...]) -> FieldFilter | None:
    return None
