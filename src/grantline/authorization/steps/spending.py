"""The last step of every grant that a person's answer stands behind: what was agreed becomes the first tokens, once."""

from grantline.authorization.grants import Authorized, Redeeming
from grantline.authorization.standing import require_standing
from grantline.authorization.steps.less import Less, less_of
from grantline.authorization.steps.policy import require_mintable
from grantline.authorization.store import FamilyRow, TicketKind
from grantline.authorization.tickets import CodeTicket
from grantline.authorization.tokens.id_token import Occasion
from grantline.model.errors import InvalidGrant
from grantline.model.events import EventType


async def spend(
    redeeming: Redeeming, code: CodeTicket, wanted: tuple[str, ...], ticket: tuple[TicketKind, bytes], spent: str
) -> Authorized:
    """Use the `ticket` up, and begin the family of refresh tokens. Its bindings were checked before.

    `wanted`: the resources asked for now. `spent`: what to say to who came a moment too late. Raises `InvalidGrant`
    where the consent does not stand or policy forbids it; nothing is used up then.
    """
    tx, server = redeeming.tx, redeeming.server
    stands = await require_standing(server, tx, code.consent)
    if 0 < code.epoch < stands.state.min_epoch:
        raise InvalidGrant(spent, detail="the consent was changed since it was given")
    family = _new_family(redeeming, code)
    less = await less_of(redeeming, stands, family, Less(None, wanted, None))
    require_mintable(server, less.stands, less.resources)
    if not await tx.tickets.redeem(*ticket, redeeming.now):
        raise InvalidGrant(spent, detail="redeemed at the same moment")
    await tx.families.put(family)
    return Authorized(
        event=EventType.TOKEN_ISSUED,
        stands=less.stands,
        scope=less.scope,
        resources=less.resources,
        family=family,
        cnf=redeeming.cnf,
        refresh=family.generation if "refresh_token" in redeeming.client.grants else None,
        sign_in=Occasion.of(code),
    )


def _new_family(redeeming: Redeeming, code: CodeTicket) -> FamilyRow:
    return FamilyRow(
        family=code.family,
        consent=code.consent,
        client=redeeming.client.client_id,
        secret=redeeming.server.randomness(32),
        scope=code.scope,
        resources=code.resources,
        jkt=redeeming.jkt,
        x5t=redeeming.family_x5t,
        created_at=redeeming.now,
        expires_at=redeeming.now + redeeming.server.settings.refresh_absolute,
        sign_in=Occasion.of(code).kept(),
    )
