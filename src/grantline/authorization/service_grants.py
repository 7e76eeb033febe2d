"""What an operator lets a service do for itself: a consent like any other, declared in a file (RFC 6749 §4.4)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from grantline.authorization.profiles import profile_of
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.store import Transaction
from grantline.catalog import Asked, Catalog
from grantline.consent import Agreed, Approval, Consents, Offer, effective, words
from grantline.model.consent import Ceremony, Item, State, Status, Version
from grantline.model.errors import GrantlineError, InvalidConfiguration
from grantline.model.ids import ClientId, PersonId, PurposeId, SubjectId, opaque
from grantline.parties import Client

DAY = 86_400
RENEW_WITHIN_S = 30 * DAY
"""A consent without an end of its own is renewed when it would end sooner than this."""


class ServiceGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[service_grants]]` table: scopes, authorization details (RFC 9396) or both, all for one purpose.

    `expires`: the last day (UTC); left out, as long as the purpose allows, renewed while it is declared. `explicit`:
    the operator means the special categories of data too.
    """

    client: str
    purpose: PurposeId
    scopes: tuple[str, ...] = ()
    authorization_details: tuple[dict[str, Any], ...] = ()
    expires: date | None = None
    explicit: bool = False


class ServiceChange(StrEnum):
    """What applying one did."""

    NONE = "unchanged"
    GIVEN = "given"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A declaration as the record will have it."""

    client: Client
    asked: tuple[Asked, ...]
    items: tuple[Item, ...]
    expires_at: int


def own_person(client: ClientId) -> PersonId:
    """Under whose name a client's own consents are kept: no person has a name of this form."""
    return PersonId(f"client:{client}")


def own_subject(client: ClientId) -> SubjectId:
    """The `sub` of a client that acts for itself; no person's `sub` has this form (RFC 9700 §4.15, check 92)."""
    return SubjectId(f"client:{client}")


def is_own(state: State) -> bool:
    """True for a consent of a client with itself, in which no person is."""
    return state.person.startswith("client:")


async def find_service_grant(server: Server, tx: Transaction, client: ClientId) -> Stands | None:
    """What the operator gave this client, if it stands."""
    found = await _given(tx, client)
    if found is None or not found.version.not_before <= server.now() < found.version.expires_at:
        return None
    return found


async def give_service_grant(
    tx: Transaction, consents: Consents, catalog: Catalog, declared: ServiceGrant, path: str
) -> ServiceChange:
    """Make the client's own consent what is declared. Saying the same twice changes nothing.

    Raises `InvalidConfiguration` naming the path. What is no longer declared stays, until somebody revokes it.
    """
    client = await tx.clients.get(ClientId(declared.client))
    if client is None:
        raise InvalidConfiguration(f"{path}.client: there is no client {declared.client}")
    now = consents.clock.wall_us() // 1_000_000
    wanted = read_service_grant(catalog, client, declared, now, path)
    found = await _given(tx, client.client_id)
    if found is not None and _is_same(found.version, wanted, declared, now):
        return ServiceChange.NONE
    person = own_person(client.client_id)
    approval = _approval(consents, catalog, wanted, declared, now)
    try:
        if found is not None and now < found.version.expires_at:
            consent = found.state.consent_id
            await consents.renew(tx, catalog=catalog, consent=consent, person=person, approval=approval)
            return ServiceChange.CHANGED
        asked = await consents.request(
            tx, person=person, subject=own_subject(client.client_id), client=client.client_id, asked=wanted.asked,
            scope=" ".join(declared.scopes),
        )  # fmt: skip
        await consents.give(tx, catalog=catalog, consent=asked.consent_id, person=person, approval=approval)
    except GrantlineError as error:
        raise InvalidConfiguration(f"{path}: {error.message}", detail=error.detail) from error
    return ServiceChange.GIVEN


def read_service_grant(catalog: Catalog, client: Client, declared: ServiceGrant, now: int, path: str) -> _Wanted:
    """The declaration against catalog and registration; raises `InvalidConfiguration` naming the path."""
    if "client_credentials" not in client.grants or not client.confidential:
        raise InvalidConfiguration(f"{path}.client: {client.id} is not registered for client_credentials")
    asked = _asked(catalog, declared, path)
    try:
        offered = effective(catalog, asked, profile_of(client, catalog, client.web).ceiling)
    except GrantlineError as error:
        raise InvalidConfiguration(f"{path}: beyond the scopes {client.id} is registered for") from error
    items = tuple(_meant(catalog, one.item, declared, path) for one in offered)
    return _Wanted(client, asked, items, _end(catalog, declared, now, path))


def _asked(catalog: Catalog, declared: ServiceGrant, path: str) -> tuple[Asked, ...]:
    if declared.purpose not in catalog.file.purposes:
        raise InvalidConfiguration(f"{path}.purpose: {declared.purpose} is not in the catalog")
    if not declared.scopes and not declared.authorization_details:
        raise InvalidConfiguration(f"{path}.scopes: name scopes or authorization_details")
    asked: list[Asked] = []
    for number, scope in enumerate(declared.scopes):
        if scope not in catalog.file.scopes:
            raise InvalidConfiguration(f"{path}.scopes[{number}]: {scope} is not in the catalog")
        asked += catalog.asked_by_scopes((scope,))
    for number, detail in enumerate(declared.authorization_details):
        try:
            asked += catalog.asked_by_details([{"purpose": declared.purpose, **detail}])
        except GrantlineError as error:
            said = error.message.removeprefix("authorization_details[0]")
            raise InvalidConfiguration(f"{path}.authorization_details[{number}]{said}") from error
    if any(one.item.purpose != declared.purpose for one in asked):
        raise InvalidConfiguration(f"{path}.purpose: something declared here is for another purpose")
    return tuple(asked)


def _meant(catalog: Catalog, item: Item, declared: ServiceGrant, path: str) -> Item:
    """Nobody picks anything here, so the things themselves have to be named, and special data has to be meant."""
    if not item.resources and catalog.needs_resources(item.api, item.datatype):
        raise InvalidConfiguration(f"{path}: name the resources of {item.datatype} in authorization_details")
    if not words.special(catalog, item.api, item.datatype):
        return item
    if not declared.explicit:
        raise InvalidConfiguration(f"{path}.explicit: {item.datatype} is special data; say explicit = true to mean it")
    return msgspec.structs.replace(item, explicit=True)


def _end(catalog: Catalog, declared: ServiceGrant, now: int, path: str) -> int:
    longest = now + catalog.purpose_entry(declared.purpose).max_days * DAY
    if declared.expires is None:
        return longest
    day = datetime(declared.expires.year, declared.expires.month, declared.expires.day, tzinfo=UTC)
    end = int(day.timestamp()) + DAY
    if not now < end <= longest:
        raise InvalidConfiguration(f"{path}.expires: must lie ahead, and within what the purpose allows")
    return end


def _is_same(version: Version, wanted: _Wanted, declared: ServiceGrant, now: int) -> bool:
    lasting = version.expires_at == wanted.expires_at
    if declared.expires is None:
        lasting = version.expires_at - now > RENEW_WITHIN_S
    named = set(version.scope.split()) == set(declared.scopes)
    return lasting and named and set(version.granted) == set(wanted.items)


def _approval(consents: Consents, catalog: Catalog, wanted: _Wanted, declared: ServiceGrant, now: int) -> Approval:
    """The operator's yes: nobody was asked, the file is the ground."""
    profile = profile_of(wanted.client, catalog, wanted.client.web)
    apis = tuple(dict.fromkeys(catalog.api(item.api).label for item in wanted.items))
    offer = Offer(profile.card, catalog.file.operator.name, apis, (), (), (), 0, (), (), "")
    ceremony = Ceremony(
        id=opaque("cer", consents.randomness), amr=("operator",), auth_time=now, decided_ms=0, channel="apply"
    )
    return Approval(
        client=profile,
        asked=wanted.asked,
        scope=" ".join(declared.scopes),
        agreed=Agreed(wanted.items, wanted.expires_at, offer),
        ceremony=ceremony,
        resource_subjects=(),
    )


async def _given(tx: Transaction, client: ClientId) -> Stands | None:
    """The client's own active consent, within its time or not; parts of it are not meant."""
    for state in await tx.consents.of_person(own_person(client)):
        version = await tx.consents.version(state.consent_id, state.version)
        if (
            state.status is Status.ACTIVE
            and state.client == client
            and version
            and version.granted
            and not version.ancestors
        ):
            return Stands(state, version)
    return None
