"""Who is meant by a subject identifier (RFC 9493), as far as an issuer may speak of people here."""

from typing import Annotated

import msgspec

from grantline.authorization.issuers import Subjects, TrustedIssuer
from grantline.authorization.store import Transaction
from grantline.identity import PersonRow
from grantline.model.ids import PersonId

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class IssuerSubject(msgspec.Struct, frozen=True, tag="iss_sub", tag_field="format"):
    """Whom the issuer calls `sub` (§3.2.3)."""

    iss: Text
    sub: Text


class Opaque(msgspec.Struct, frozen=True, tag="opaque", tag_field="format"):
    """Whom we ourselves call `id` (§3.2.4): the id under which the record names a person."""

    id: Text


class Email(msgspec.Struct, frozen=True, tag="email", tag_field="format"):
    """Who has this address (§3.2.2), if it is one person."""

    email: Text


SubjectIdentifier = IssuerSubject | Opaque | Email


async def find_person(tx: Transaction, issuer: TrustedIssuer, named: SubjectIdentifier) -> PersonRow | None:
    """The person, if this issuer may speak of them; else None, as for one who is not here."""
    match named:
        case IssuerSubject():
            return await _of_issuer(tx, issuer, named)
        case Opaque():
            found = await tx.people.by_id(PersonId(named.id))
        case Email():
            several = await tx.people.by_email(named.email)
            found = several[0] if len(several) == 1 else None
    return found if found is not None and await _is_theirs(tx, issuer, found) else None


async def _of_issuer(tx: Transaction, issuer: TrustedIssuer, named: IssuerSubject) -> PersonRow | None:
    """By the declared rule, or by the account there that the person signs in here with. No issuer names another's."""
    if named.iss != issuer.issuer:
        return None
    username = named.sub if issuer.subjects is Subjects.USERNAME else issuer.people.get(named.sub)
    if username is not None:
        return await tx.people.by_username(username)
    link = await tx.links.find(issuer.issuer, named.sub)
    return None if link is None else await tx.people.by_id(link.person)


async def _is_theirs(tx: Transaction, issuer: TrustedIssuer, person: PersonRow) -> bool:
    if issuer.subjects is Subjects.USERNAME or person.username in issuer.people.values():
        return True
    return any(link.issuer == issuer.issuer for link in await tx.links.of(person.id))
