"""Whose account here an account elsewhere is. Only two things make a link; an address that nobody verified is neither.

1. The person, signed in here, went to the provider and came back.
2. The operator said that this provider's verified addresses in a domain name people here, and exactly one person has
   the address.
"""

from grantline.identity.admission import Admission
from grantline.identity.methods.store import LinkRow
from grantline.identity.methods.upstream import METHOD, Account, in_domain
from grantline.identity.settings import UpstreamSettings
from grantline.identity.store import PersonRow, Transaction
from grantline.model.errors import Conflict
from grantline.model.events import EventType
from grantline.model.ids import PersonId, Randomness, opaque


async def person_of(
    tx: Transaction, account: Account, settings: UpstreamSettings, admission: Admission, randomness: Randomness
) -> PersonId | None:
    """Who signs in; None when nobody here is known to be this account."""
    link = await tx.links.find(account.issuer, account.sub)
    if link is not None:
        return link.person
    if account.email is None or not in_domain(account.email, settings.link_email_domains):
        return None
    named = await tx.people.by_email(account.email)
    if len(named) > 1:
        return None
    if named and any(one.issuer == account.issuer for one in await tx.links.of(named[0].id)):
        # That person has another account there already: an address that moved on does not take theirs over.
        return None
    if not named and not settings.provision:
        return None
    person = named[0].id if named else await _made(tx, account, account.email, randomness)
    return None if person is None else await _linked(tx, account, person, admission, "operator")


async def link(tx: Transaction, account: Account, person: PersonId, admission: Admission) -> None:
    """The person brought this account themselves. Raises `Conflict` when it, or another one there, is linked."""
    if await _linked(tx, account, person, admission, "person") is None:
        raise Conflict("This account is linked already.")


async def _linked(
    tx: Transaction, account: Account, person: PersonId, admission: Admission, by: str
) -> PersonId | None:
    if not await tx.links.add(LinkRow(account.issuer, account.sub, person, admission.now())):
        return None
    await admission.changed(tx, EventType.METHOD_ADDED, person, METHOD, by)
    return person


async def _made(tx: Transaction, account: Account, email: str, randomness: Randomness) -> PersonId | None:
    """A person whom the operator lets the provider introduce: without roles, named by the address."""
    username = email.casefold()
    if await tx.people.by_username(username) is not None:
        return None
    person = PersonRow(PersonId(opaque("p", randomness)), username, account.name or username, email, (), {})
    await tx.people.put(person)
    return person.id
