"""What a client may do with the grants it has: by a token on a consent with this server itself (Grant Management §6.1).

No API is in that consent, so it is none of the service grants that an operator declares: the operator gives it by
registering the client for the scopes, and it is written down when the client first asks. Decision 095.
"""

from grantline.authorization.grants import Redeeming
from grantline.authorization.profiles import profile_of
from grantline.authorization.service_grants import own_person, own_subject
from grantline.authorization.standing import Stands
from grantline.authorization.steps.request import OWN_GRANTS
from grantline.authorization.store import Transaction
from grantline.consent import Agreed, Approval, Offer
from grantline.model.consent import Ceremony, Status
from grantline.model.errors import InvalidGrant, InvalidScope
from grantline.model.ids import ClientId, opaque
from grantline.parties import metadata_hash

DAY = 86_400


async def own_access(redeeming: Redeeming, scopes: tuple[str, ...]) -> Stands:
    """What a token for these scopes stands on; raises `InvalidScope` where the client is not registered for them.

    Revoked, it is not given again before the registration changes (`InvalidGrant`): what an operator takes back stays
    taken.
    """
    client = redeeming.client
    if not set(scopes) <= set(client.scopes):
        raise InvalidScope("This client is not registered to manage its grants so.")
    last = await _last(redeeming.tx, client.client_id)
    now = redeeming.now
    if last is not None and last.state.status is Status.ACTIVE and now < last.version.expires_at:
        return last
    revoked = last is not None and last.state.status is Status.REVOKED
    if revoked and last is not None and last.version.client_metadata_hash == metadata_hash(client):
        raise InvalidGrant("This access was taken back.", detail="revoked; a changed registration gives it again")
    return await _give(redeeming)


async def _last(tx: Transaction, client: ClientId) -> Stands | None:
    """The newest consent of this kind: the client's own, about no data."""
    for state in await tx.consents.of_person(own_person(client)):
        version = await tx.consents.version(state.consent_id, state.version)
        if state.client == client and version is not None and not version.granted:
            return Stands(state, version)
    return None


async def _give(redeeming: Redeeming) -> Stands:
    server, client = redeeming.server, redeeming.client
    catalog, person = server.catalog(), own_person(client.client_id)
    scope = " ".join(one for one in OWN_GRANTS if one in client.scopes)
    profile = profile_of(client, catalog, client.web)
    ceremony = Ceremony(
        id=opaque("cer", server.randomness), amr=("operator",), auth_time=redeeming.now, decided_ms=0,
        channel="registration",
    )  # fmt: skip
    offer = Offer(profile.card, catalog.file.operator.name, (), (), (), (), 0, (), (), "")
    expires_at = redeeming.now + max(catalog.file.durations_days) * DAY
    approval = Approval(
        client=profile, asked=(), scope=scope, agreed=Agreed((), expires_at, offer), ceremony=ceremony,
        resource_subjects=(),
    )  # fmt: skip
    consents, tx = server.consents, redeeming.tx
    asked = await consents.request(
        tx, person=person, subject=own_subject(client.client_id), client=client.client_id, asked=(), scope=scope
    )
    return Stands(*await consents.give(tx, catalog=catalog, consent=asked.consent_id, person=person, approval=approval))
