"""What is put before the person: what was asked, or what it makes of a grant that stands."""

from dataclasses import dataclass

from grantline.authorization.families import end_families
from grantline.authorization.profiles import profile_of
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.steps.details import asked_for, wanted_scopes
from grantline.authorization.steps.grant_action import named_grant
from grantline.authorization.steps.request import OPENID, Asking
from grantline.authorization.store import Transaction
from grantline.authorization.tickets import RequestTicket
from grantline.authorization.tokens import about_person, access
from grantline.catalog import Asked
from grantline.consent import Approval, Change, Manner, change
from grantline.model.consent import Item
from grantline.model.ids import ClientId, ConsentId, PersonId
from grantline.parties import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What to ask, and what to record as asked. `scope`: all that is named then. `change`: of what stands, if any."""

    asked: tuple[Asked, ...]
    scope: str
    change: Change | None = None

    @property
    def recorded(self) -> tuple[Asked, ...]:
        """What the version will say was asked for."""
        return self.asked if self.change is None else self.change.all_asked

    @property
    def kept(self) -> tuple[Item, ...]:
        """What stays without being asked about."""
        return () if self.change is None else self.change.kept

    @property
    def about(self) -> tuple[str, ...]:
        """What the client would know of the person."""
        return about_person.words_for(self.scope)

    @property
    def known(self) -> tuple[str, ...]:
        """What it knows already."""
        return () if self.change is None else about_person.words_for(self.change.before.scope)


async def matter_of(server: Server, tx: Transaction, request: RequestTicket, client: Client) -> Matter:
    """What a waiting request puts to its person, held against what stands now; `InvalidGrantId` when that has ended."""
    if request.grant is None:
        return Matter(asked=request.asked, scope=request.scope)
    stands = await named_grant(server, tx, client.client_id, request.grant)
    wanted = Matter(asked=request.asked, scope=request.scope)
    return _changing(server, client, stands, Manner(request.action or ""), wanted)


async def check_named_grant(asking: Asking) -> None:
    """The grant that the request names is this client's, it stands, and can be changed so (§5.4).

    Raises `InvalidGrantId`, `InvalidScope`, and `InvalidTarget` when no token could carry all of it.
    """
    server, client, name = asking.server, asking.client, asking.parameters.grant_id
    if name is None:
        return
    stands = await server.work.read(lambda tx: named_grant(server, tx, ClientId(client.id), ConsentId(name)))
    manner = Manner(asking.parameters.grant_management_action or "")
    wanted = Matter(asked=asked_for(asking), scope=" ".join(wanted_scopes(asking)))
    found = _changing(server, client, stands, manner, wanted)
    items = [one.item for one in found.recorded]
    own = (server.issuer,) if OPENID in found.scope.split() else ()
    places = tuple(dict.fromkeys([*(place for item in items for place in item.locations), *own]))
    access.require_fits(server, client.id, found.scope, places, {item.purpose for item in items})


def _changing(server: Server, client: Client, stands: Stands, manner: Manner, wanted: Matter) -> Matter:
    """What `wanted` makes of a grant that stands."""
    catalog = server.catalog()
    ceiling = profile_of(client, catalog, client.web).ceiling
    found = change(
        catalog, stands.version, manner=manner, asked=wanted.asked, scope=wanted.scope, ceiling=ceiling
    )  # fmt: skip
    return Matter(asked=found.asked, scope=found.scope, change=found)


CHANGED = "grant_changed"
"""Why refresh tokens end with the version that they were made for."""


async def record(
    server: Server, tx: Transaction, matter: Matter, consent: ConsentId, approval: Approval, *, person: PersonId
) -> Stands:
    """Version 1 of what was asked for, or the next one of what stands; then no refresh token of before counts."""
    catalog, change, consents = server.catalog(), matter.change, server.consents
    if change is None:
        return Stands(*await consents.give(tx, catalog=catalog, consent=consent, person=person, approval=approval))
    why = change.manner.value
    amended = await consents.renew(tx, catalog=catalog, consent=consent, person=person, approval=approval, why=why)
    await end_families(server, tx, consent, why=CHANGED)
    return Stands(amended.state, amended.version)
