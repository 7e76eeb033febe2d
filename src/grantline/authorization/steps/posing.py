"""Puts the question to one person: the request is theirs from now on, and there is one consent to decide on."""

from collections.abc import Mapping

import msgspec

from grantline.authorization.server import Server
from grantline.authorization.steps.matter import Matter, matter_of
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import Kept, Notes, RequestTicket
from grantline.consent import ResourceChoice, apis_to_ask
from grantline.identity import Session
from grantline.model.consent import State
from grantline.model.ids import ApiId
from grantline.parties import Client


async def pose_at_once(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> None:
    """Put it where that takes nothing but this transaction. No API has to be asked for a list, which takes time."""
    listed = apis_to_ask(server.catalog(), kept.body.asked)
    if kept.row.notes is None and not listed and await tie(tx, kept, session):
        await pose(server, tx, kept, client, session, lists={})


async def posed_at_once(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], client: Client, session: Session
) -> Kept[RequestTicket]:
    """The same for a request that is not kept yet: theirs, with its notes, so that all of it is written at once."""
    if apis_to_ask(server.catalog(), kept.body.asked):
        return kept
    notes = await _notes(server, tx, kept, client, session, lists={})
    return Kept(kept.body, msgspec.structs.replace(kept.row, bound=session.person, notes=msgspec.json.encode(notes)))


async def tie(tx: Transaction, kept: Kept[RequestTicket], session: Session) -> bool:
    """Tie the request to this person; False if it is another's (checks 38, 40)."""
    if kept.row.bound is not None:
        return kept.row.bound == session.person
    return await tx.tickets.bind(TicketKind.REQUEST, kept.digest, session.person)


async def pose(
    server: Server,
    tx: Transaction,
    kept: Kept[RequestTicket],
    client: Client,
    session: Session,
    *,
    lists: Mapping[ApiId, tuple[ResourceChoice, ...]],
) -> Notes:
    """Begin the consent to decide on, and keep it with the request. `lists`: what each API says may be shared.

    Where something is to change that stands, it is that consent.
    """
    notes = await _notes(server, tx, kept, client, session, lists=lists)
    await tx.tickets.note(TicketKind.REQUEST, kept.digest, msgspec.json.encode(notes))
    return notes


async def _notes(
    server: Server,
    tx: Transaction,
    kept: Kept[RequestTicket],
    client: Client,
    session: Session,
    *,
    lists: Mapping[ApiId, tuple[ResourceChoice, ...]],
) -> Notes:
    matter = await matter_of(server, tx, kept.body, client)
    state = await _begun(server, tx, matter, client, session)
    return Notes(consent=state.consent_id, opened_at=server.now(), lists=dict(lists))


async def _begun(server: Server, tx: Transaction, matter: Matter, client: Client, session: Session) -> State:
    """Write down that this person is about to be asked: for a new consent, or for a change of one."""
    change = matter.change
    if change is not None:
        consent = change.before.consent_id
        return await server.consents.ask_to_change(tx, consent=consent, person=session.person, change=change)
    return await server.consents.request(
        tx,
        person=session.person,
        subject=server.keys.pairwise.towards(client, session.person),
        client=client.client_id,
        asked=matter.asked,
        scope=matter.scope,
    )
