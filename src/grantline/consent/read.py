"""What the portal and operators see of consents. Words come from `words` and the catalog, counts from the ledger."""

from dataclasses import dataclass

import msgspec

from grantline.consent import guards
from grantline.consent.store import DescentTransaction, Transaction
from grantline.consent.transitions import STANDING
from grantline.model.consent import Item, State, Status, Version
from grantline.model.ids import ClientId, ConsentId, PersonId
from grantline.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One line of the portal. Times in unix seconds; `ends_at` is the agreed end, `ended_at` the actual one.

    `client_name`: as it was when it was agreed. `cause`: a reason code once it has ended. `part_of`: the consent of
    which it was passed on, `passed_on_by`: the client that did.
    """

    consent: ConsentId
    client: ClientId
    client_name: str
    status: Status
    version: int
    granted: tuple[Item, ...]
    given_at: int
    confirmed_at: int
    ends_at: int
    ended_at: int | None
    cause: str | None
    part_of: ConsentId | None = None
    passed_on_by: ClientId | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """A connection with its person and everything that was ever agreed, oldest first."""

    connection: Connection
    person: PersonId
    versions: tuple[Version, ...]


async def connections(tx: Transaction, *, person: PersonId) -> tuple[Connection, ...]:
    """Every consent this person ever gave, newest first, ended ones included; unanswered questions are not."""
    states = await tx.consents.of_person(person)
    return tuple([await _seen(tx, state) for state in states if state.version > 0])


async def detail(tx: Transaction, *, consent: ConsentId, person: PersonId) -> Detail:
    """One consent of this person; raises `NotFound` for another's and for one that was never given."""
    return await _detail(tx, await guards.owned(tx, consent, person))


async def for_operator(tx: Transaction, *, consent: ConsentId) -> Detail:
    """Any consent that was given; raises `NotFound`. The caller answers for who may ask."""
    return await _detail(tx, await guards.known(tx, consent))


async def latest(tx: Transaction, *, limit: int) -> tuple[Connection, ...]:
    """The newest consents of everybody, for operators."""
    states = await tx.consents.latest(limit=limit)
    return tuple([await _seen(tx, state) for state in states if state.version > 0])


async def descendants(tx: DescentTransaction, *, consent: ConsentId) -> tuple[Connection, ...]:
    """Everything that came of this consent, each after what it is a part of."""
    found: list[Connection] = []
    for descent in await tx.descents.children(consent):
        state = await tx.consents.get(descent.consent)
        if state is not None:
            found += [await _seen(tx, state), *await descendants(tx, consent=state.consent_id)]
    return tuple(found)


async def _detail(tx: Transaction, state: State) -> Detail:
    guards.given(state)
    versions = await _versions(tx, state)
    counts = await _counting(tx, state, versions[-1])
    return Detail(_connection(counts, versions), state.person, versions)


async def _seen(tx: Transaction, state: State) -> Connection:
    versions = await _versions(tx, state)
    return _connection(await _counting(tx, state, versions[-1]), versions)


async def _counting(tx: Transaction, state: State, version: Version) -> State:
    """The state as it counts: a part has ended with the first of its wholes, though nobody wrote that down for it."""
    for link in version.ancestors if state.status in STANDING else ():
        whole = await tx.consents.get(link.grant)
        if whole is None or whole.min_epoch <= link.epoch:
            continue
        changed = whole.status in STANDING
        return msgspec.structs.replace(
            state,
            status=Status.EXPIRED if changed else whole.status,
            ended_at=whole.confirmed_at if changed else whole.ended_at,
            cause=Reason.GRANT_SUPERSEDED.value if changed else whole.cause,
        )
    return state


async def _versions(tx: Transaction, state: State) -> tuple[Version, ...]:
    return await tx.consents.versions(state.consent_id)


def _connection(state: State, versions: tuple[Version, ...]) -> Connection:
    last = versions[-1]
    return Connection(
        consent=state.consent_id,
        client=state.client,
        client_name=last.client_name,
        status=state.status,
        version=last.version,
        granted=last.granted,
        given_at=versions[0].not_before,
        confirmed_at=state.confirmed_at,
        ends_at=last.expires_at,
        ended_at=state.ended_at,
        cause=state.cause,
        part_of=last.ancestors[-1].grant if last.ancestors else None,
        passed_on_by=ClientId(last.acted_by) if last.ancestors else None,
    )
