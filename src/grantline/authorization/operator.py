"""The operator's own consents: what this server itself may ask of an API, given by who runs it, like any other."""

from grantline.authorization.events import about_consent
from grantline.authorization.server import Server
from grantline.authorization.standing import Stands
from grantline.authorization.store import Transaction
from grantline.catalog import Asked, Catalog
from grantline.consent import Agreement, compose
from grantline.consent.offer import Agreed, Approval, ClientCard, ClientProfile, Offer
from grantline.model.consent import Ceremony, Item, State, Status, Version
from grantline.model.events import EventType
from grantline.model.ids import ApiId, ClientId, ConsentId, PersonId, SubjectId, opaque
from grantline.parties import Client, Kind, Tier, metadata_hash, upsert

OPERATOR = PersonId("operator")
CLIENT = ClientId("operator")
DAY = 86_400
RENEW_WITHIN_S = 30 * DAY
"""A consent that ends sooner than this is replaced when the declaration is applied."""


async def appoint(server: Server, catalog: Catalog) -> tuple[ConsentId, ...]:
    """Give what is missing: one consent for each API that lists what people may share. Idempotent; used by `apply`.

    A consent for something that the catalog no longer says is revoked. Returns the new ones.
    """

    async def unit(tx: Transaction) -> tuple[ConsentId, ...]:
        await upsert(tx, _client(server, catalog), server.clock, server.randomness)
        wanted = {api: item for api in catalog.file.apis if (item := catalog.operator_item(api)) is not None}
        kept = await _sort_out(server, tx, wanted)
        return tuple([await _give(server, tx, catalog, item) for api, item in wanted.items() if api not in kept])

    return await server.work.write(unit)


async def find(server: Server, tx: Transaction, api: ApiId) -> Stands | None:
    """The operator's consent for this API, if it stands."""
    for stands in await _standing(server, tx):
        if any(item.api == api for item in stands.version.granted):
            return stands
    return None


async def _standing(server: Server, tx: Transaction) -> list[Stands]:
    found = []
    for state in await tx.consents.of_person(OPERATOR):
        version = await tx.consents.version(state.consent_id, state.version)
        if state.status is Status.ACTIVE and version is not None and server.now() < version.expires_at:
            found.append(Stands(state, version))
    return found


async def _sort_out(server: Server, tx: Transaction, wanted: dict[ApiId, Item]) -> set[ApiId]:
    """Keep what is right and lasts, revoke the rest; the APIs that need nothing new."""
    kept: set[ApiId] = set()
    for stands in await _standing(server, tx):
        (item,) = stands.version.granted
        lasting = stands.version.expires_at - server.now() > RENEW_WITHIN_S
        if wanted.get(item.api) == item and lasting and item.api not in kept:
            kept.add(item.api)
        else:
            consent = stands.state.consent_id
            await server.consents.revoke(tx, consent=consent, by="operator", why="replaced")
    return kept


async def _give(server: Server, tx: Transaction, catalog: Catalog, item: Item) -> ConsentId:
    """One consent with its event. Nobody is asked: the catalog and this act of the operator are the ground."""
    now = server.now()
    state = State(
        consent_id=ConsentId(opaque("g", server.randomness)),
        person=OPERATOR,
        subject=SubjectId(server.keys.pairwise.subject(CLIENT, OPERATOR)),
        client=CLIENT,
        status=Status.ACTIVE,
        version=1,
        epoch=1,
        min_epoch=1,
        confirmed_at=now,
        created_at=now,
    )
    version = _version(server, catalog, state, item)
    await tx.consents.add(state)
    await tx.consents.save(state, state, version.expires_at)
    await tx.consents.add_version(version)
    detail: dict[str, object] = {"content_hash": version.content_hash, "expires_at": version.expires_at}
    given = about_consent(server, EventType.CONSENT_GIVEN, state, act="appoint", res="consent", detail=detail)
    await tx.outbox.append(given)
    return state.consent_id


def _version(server: Server, catalog: Catalog, state: State, item: Item) -> Version:
    now = server.now()
    expires_at = now + catalog.purpose_entry(item.purpose).max_days * DAY
    profile = _profile(server, catalog)
    offer = Offer(profile.card, catalog.file.operator.name, (catalog.api(item.api).label,), (), (), (), 0, (), (), "")
    ceremony = Ceremony(
        id=opaque("cer", server.randomness), amr=("operator",), auth_time=now, decided_ms=0, channel="apply"
    )
    approval = Approval(
        client=profile,
        asked=(Asked(item=item, required=item.fields),),
        scope="",
        agreed=Agreed((item,), expires_at, offer),
        ceremony=ceremony,
        resource_subjects=((item.api, str(OPERATOR)),),
    )
    agreement = Agreement(approval=approval, offered=approval.asked, scope="", shown=())
    record_id = opaque("r", server.randomness)
    return compose(catalog, state, agreement, record_id=record_id, now=now, before=None)


def _client(server: Server, catalog: Catalog) -> Client:
    """This server as a client: it has no way in through any endpoint."""
    name = catalog.file.operator.name
    return Client(
        id=CLIENT, name=name, publisher=name, kind=Kind.SERVICE, tier=Tier.VERIFIED, web=server.issuer, grants=()
    )


def _profile(server: Server, catalog: Catalog) -> ClientProfile:
    operator = catalog.file.operator
    card = ClientCard(CLIENT, operator.name, Tier.VERIFIED, Kind.SERVICE, operator.name, "", operator.name, None)
    return ClientProfile(
        card=card,
        ceiling=(),
        metadata_hash=metadata_hash(_client(server, catalog)),
        contact=operator.contact,
        jurisdiction=operator.jurisdiction,
    )
