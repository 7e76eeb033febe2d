"""A consent that is part of another: passed on, for less, and ending with it. One write ends all descendants (I10)."""

from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from grantline.catalog import Catalog, to_detail
from grantline.consent import telling, words
from grantline.consent import transitions as t
from grantline.consent.narrowing import all_covered
from grantline.consent.offer import ClientProfile
from grantline.consent.sealing import seal
from grantline.consent.store import Descent, DescentTransaction, Transaction
from grantline.consent.versions import known_to, text_hash
from grantline.crypto import jcs
from grantline.model.consent import Ceremony, Item, Link, Notice, Party, State, Status, Version
from grantline.model.errors import InvalidGrant, InvalidScope
from grantline.model.ids import ConsentId, SubjectId, opaque

DEEPEST = 5
MOST_PARTS = 50
TEMPLATE = "part/1"
_STOPPED = frozenset({Status.WITHDRAWN, Status.REVOKED, Status.INVALIDATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is passed on. `subject`: the person's name towards the receiver. `agent`: who acts, None for nobody else.

    `expires_at`: unix seconds. `channel`: by which way. `depth`: most links of the lineage, its own included.
    """

    receiver: ClientProfile
    subject: SubjectId
    items: tuple[Item, ...]
    scope: str
    expires_at: int
    channel: str
    agent: str | None = None
    depth: int = DEEPEST


async def require_lineage(tx: Transaction, version: Version) -> None:
    """Raise `InvalidGrant` unless each ancestor stands at the epoch at which it passed this on."""
    for link in version.ancestors:
        state = await tx.consents.get(link.grant)
        if state is None or state.status is not Status.ACTIVE or link.epoch < state.min_epoch:
            detail = f"ancestor {link.grant} is {state.status if state else 'unknown'}, or has moved on"
            raise InvalidGrant("This consent does not stand.", detail=detail)


async def pass_on(
    tx: DescentTransaction, means: telling.Means, catalog: Catalog, held: tuple[State, Version], part: Part
) -> tuple[State, Version]:
    """The consent for `part` of one that stands: the one that is there for just this, else a new one with its event.

    Raises `InvalidScope` for anything wider, `InvalidGrant` for a chain that is too long, too many parts, and for a
    receiver whose part was stopped: only a new decision about the whole lets it in again.
    """
    state, version = held
    _require_narrower(version, part, means.now())
    digest = _digest(part)
    others = await tx.descents.of(state.consent_id, state.epoch, part.receiver.card.id)
    for descent in others:
        found = await _reusable(tx, descent, digest, means.now())
        if found is not None:
            return found
    if sum(means.now() < one.expires_at for one in others) >= MOST_PARTS:
        raise InvalidGrant("Too many different parts of this access are held already.", detail=f"{len(others)}")
    after = State(
        consent_id=ConsentId(opaque("g", means.randomness)),
        person=state.person,
        subject=part.subject,
        client=part.receiver.card.id,
        status=t.PASS_ON.target,
        version=1,
        epoch=1,
        min_epoch=1,
        confirmed_at=state.confirmed_at,
        created_at=means.now(),
    )
    made = _compose(catalog, means, held, after, part)
    await tx.consents.add(after)
    await tx.consents.save(after, after, made.expires_at)
    await tx.consents.add_version(made)
    await tx.descents.add(
        Descent(
            consent=after.consent_id, parent=state.consent_id, epoch=state.epoch, client=after.client, digest=digest,
            expires_at=made.expires_at,
        )
    )  # fmt: skip
    await telling.tell(tx, means, t.PASS_ON, after, telling.Told(detail=_passed(made), version=made))
    return after, made


def _require_narrower(version: Version, part: Part, now: int) -> None:
    """Computed narrower before; held against what it is part of once more, as every yes is."""
    if not part.items or not all_covered(part.items, version.granted, open_resources=False):
        raise InvalidScope("Nothing can be passed on that is not held.", detail="wider than its parent")
    if not now < part.expires_at <= version.expires_at:
        raise InvalidGrant("Nothing can be passed on for longer than it is held.", detail=f"{part.expires_at}")
    if len(version.ancestors) + 2 > min(part.depth, DEEPEST):
        raise InvalidGrant("This access was passed on too often to be passed on again.", detail="lineage too deep")


async def _reusable(tx: Transaction, descent: Descent, digest: str, now: int) -> tuple[State, Version] | None:
    state = await tx.consents.get(descent.consent)
    if state is None or state.status in _STOPPED:
        raise InvalidGrant("This part of the access was stopped. It takes a new decision of the person.")
    if state.status is not Status.ACTIVE or descent.digest != digest or descent.expires_at <= now:
        return None
    version = await tx.consents.version(state.consent_id, state.version)
    return None if version is None else (state, version)


def _digest(part: Part) -> str:
    """Names what is passed on, so that the same wish finds the same consent."""
    items = [to_detail(item) for item in part.items]
    return jcs.digest([items, part.scope, part.agent or "", part.subject])


def _compose(catalog: Catalog, means: telling.Means, whole: tuple[State, Version], state: State, part: Part) -> Version:
    """Everything as the whole says it, but for the receiver and what it gets."""
    now, receiver, (parent, held) = means.now(), part.receiver, whole
    shown = words.agreed_lines(catalog, part.items, agreed_at=now, expires_at=part.expires_at)
    purposes = {item.purpose for item in part.items}
    recipient = Party(
        role="recipient", name=receiver.card.publisher, contact=receiver.contact, jurisdiction=receiver.jurisdiction
    )
    return seal(
        msgspec.structs.replace(
            held,
            record_id=opaque("r", means.randomness),
            consent_id=state.consent_id,
            version=1,
            prev_hash=None,
            subject=part.subject,
            acted_by=parent.client,
            client=state.client,
            client_name=receiver.card.name,
            client_metadata_hash=receiver.metadata_hash,
            parties=(recipient, *(party for party in held.parties if party.role != "recipient")),
            purposes=tuple(purpose for purpose in held.purposes if purpose.id in purposes),
            requested=part.items,
            offered=part.items,
            granted=part.items,
            scope=part.scope,
            not_before=now,
            expires_at=part.expires_at,
            notice=Notice(template=TEMPLATE, language=held.notice.language, sha256=text_hash(shown)),
            ceremony=Ceremony(
                id=opaque("cer", means.randomness), amr=(), auth_time=held.ceremony.auth_time, decided_ms=0,
                channel=part.channel,
            ),
            resource_subjects=known_to(held.resource_subjects, part.items),
            reestablished_from=None,
            content_hash="",
            lineage=(*held.ancestors, Link(parent.consent_id, held.version, parent.epoch)),
            agent=part.agent or UNSET,
        )
    )  # fmt: skip


def _passed(version: Version) -> dict[str, object]:
    """What the ledger keeps sealed: what was passed on, through whose hands."""
    return {
        "content_hash": version.content_hash,
        "granted": [to_detail(item) for item in version.granted],
        "expires_at": version.expires_at,
        "lineage": [[link.grant, link.version, link.epoch] for link in version.ancestors],
        "agent": version.agent or None,
        "passed_on_by": version.acted_by,
    }
