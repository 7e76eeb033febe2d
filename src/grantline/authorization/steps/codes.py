"""Makes a code on a consent that stands, and uses up the request that led to it, in the caller's transaction."""

from grantline.authorization.client_sessions import ClientSessionRow
from grantline.authorization.profiles import profile_of
from grantline.authorization.response_modes import Delivery
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.steps import answering
from grantline.authorization.steps.grant_action import Action
from grantline.authorization.steps.less import names_fewer
from grantline.authorization.steps.policy import require_agreeable
from grantline.authorization.steps.request import OFFLINE, OPENID
from grantline.authorization.store import TicketKind, Transaction
from grantline.authorization.tickets import CodeTicket, Kept, RequestTicket
from grantline.authorization.tokens import about_person
from grantline.consent import all_covered
from grantline.identity import Session, told
from grantline.model.consent import State, Status, Version
from grantline.model.errors import Conflict
from grantline.model.ids import FamilyId, opaque
from grantline.parties import Client

ALLOWED = "allowed"


async def deliver(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], stands: Stands, session: Session
) -> Delivery:
    """Use the request up, keep a code for it, and give what brings the code (checks 32 to 34, 63).

    Raises `AccessDenied` when policy forbids what was agreed.
    """
    require_agreeable(server, stands)
    request, now = kept.body, server.now()
    outcome = f"{ALLOWED} {stands.state.consent_id}"
    if not await tx.tickets.redeem(TicketKind.REQUEST, kept.digest, now, outcome):
        raise Conflict("This request was answered before.")
    code = CodeTicket(
        client=request.client,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        jkt=request.jkt,
        nonce=request.nonce,
        scope=_scope(request, stands),
        openid=request.openid,
        resources=_resources(server, request, stands),
        consent=stands.state.consent_id,
        person=stands.state.person,
        subject=stands.state.subject,
        auth_time=session.auth_time,
        amr=session.amr,
        family=FamilyId(opaque("f", server.randomness)),
        acr=told(session, request.acr),
        sid=await _sid(server, tx, kept, session, stands),
        claims=request.claims.id_token,
        epoch=stands.state.epoch,
    )
    return await answering.with_code(server, tx, kept, code)


async def _sid(
    server: Server, tx: Transaction, kept: Kept[RequestTicket], session: Session, stands: Stands
) -> str | None:
    """The client learns of this session: under one name, from now until it ends.

    Who waits elsewhere does not: nobody is signed in there, and signing out here must not take its answer away.
    """
    if kept.body.elsewhere is not None:
        return None
    row = ClientSessionRow(
        sid=opaque("sid", server.randomness),
        session=session.id,
        client=stands.state.client,
        person=session.person,
        subject=stands.state.subject,
        begun_at=server.now(),
    )
    return (await tx.client_sessions.open(row)).sid


async def answered_before(
    server: Server, tx: Transaction, request: RequestTicket, client: Client, session: Session
) -> Stands | None:
    """An active consent of this person and client that was offered all of this, by the client as it is (check 41).

    Where a new grant or another in place of one is wanted, no answer of before is one (Grant Management §5.2).
    """
    wanted = tuple(one.item for one in request.asked)
    told = about_person.covered_by(request.scope)
    profile = profile_of(client, server.catalog(), request.redirect_uri)
    for state in await _answering(tx, request, session):
        if state.client != client.id or state.status is not Status.ACTIVE:
            continue
        version = await tx.consents.version(state.consent_id, state.version)
        # What another client passed on is no answer of the person to this one.
        if version is None or version.ancestors or server.now() >= version.expires_at:
            continue
        same_client = version.client_metadata_hash == profile.metadata_hash
        knows = told <= about_person.covered_by(version.scope)
        offered = all_covered(wanted, version.offered, open_resources=True)
        if same_client and knows and offered and not _is_odd_part(server, request, version):
            return Stands(state, version)
    return None


def _is_odd_part(server: Server, request: RequestTicket, version: Version) -> bool:
    """Less than the consent holds, and not just by fewer scopes: no token of that consent is for just this.

    By fewer scopes alone it is: see `steps/less.py`.
    """
    wanted = tuple(one.item for one in request.asked)
    if not wanted or all_covered(version.granted, wanted, open_resources=True):
        return False
    catalog = server.catalog()
    named = catalog.scope_items(tuple(one for one in request.scope.split() if one in catalog.file.scopes))
    by_names_alone = all_covered(wanted, named, open_resources=True)
    return not (by_names_alone and names_fewer(server, request.scope, version.scope))


async def _answering(tx: Transaction, request: RequestTicket, session: Session) -> tuple[State, ...]:
    """The consents in which the answer may stand already."""
    match request.action:
        case None:
            return await tx.consents.of_person(session.person)
        case Action.MERGE if request.grant is not None:
            named = await tx.consents.get(request.grant)
            return () if named is None else (named,)
        case _:
            return ()


def _scope(request: RequestTicket, stands: Stands) -> str:
    """The scopes asked for of which something was agreed; `openid` and `offline_access` are no access and stay."""
    agreed = {*stands.version.scope.split(), OPENID}
    wanted = stands.version.scope if request.action == Action.MERGE else request.scope
    named = [scope for scope in wanted.split() if scope in agreed]
    return " ".join([*named, OFFLINE] if request.offline else named)


def _resources(server: Server, request: RequestTicket, stands: Stands) -> tuple[str, ...]:
    """The audiences of which something was agreed: of an addition all that there are, else those asked for."""
    places = tuple(dict.fromkeys(place for item in stands.version.granted for place in item.locations))
    if request.action == Action.MERGE:
        return (*places, server.issuer) if OPENID in stands.version.scope.split() else places
    return tuple(resource for resource in request.resources if resource in {server.issuer, *places})
