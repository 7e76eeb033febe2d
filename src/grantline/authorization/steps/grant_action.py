"""What a request does to the grants there are: a new one, more in one, another in its place (Grant Management §5.2)."""

from enum import StrEnum

from grantline.authorization.server import Server
from grantline.authorization.service_grants import is_own
from grantline.authorization.standing import Stands, find_standing
from grantline.authorization.steps.request import Asking
from grantline.authorization.store import Transaction
from grantline.model.errors import InvalidGrantId, InvalidRequest
from grantline.model.ids import ClientId, ConsentId

_NONE = "This grant_id names no grant of this client that stands."


class Action(StrEnum):
    """The values of `grant_management_action`."""

    CREATE = "create"
    MERGE = "merge"
    REPLACE = "replace"


def check_grant_action(asking: Asking) -> None:
    """Both parameters or neither, in the form that the action takes, and by a client that proves itself (§5.1, §5.4).

    A `grant_id` alone says nothing about what to do with it, so it is refused; no action at all is as without all this.
    """
    action, grant = asking.parameters.grant_management_action, asking.parameters.grant_id
    if action is None and grant is None:
        if asking.server.settings.grant_management_action_required:
            raise InvalidRequest("The parameter grant_management_action is missing.")
        return
    if action is None or action not in set(Action):
        raise InvalidRequest(f"grant_management_action must be one of {', '.join(Action)}.")
    if not asking.client.confidential:
        raise InvalidRequest("Only clients that prove who they are can manage grants.")
    if action == Action.CREATE and grant is not None:
        raise InvalidRequest("A new grant gets its grant_id from this server; leave it out.")
    if action != Action.CREATE and grant is None:
        raise InvalidRequest("The parameter grant_id is missing: say which grant is to change.")


async def named_grant(server: Server, tx: Transaction, client: ClientId, grant: ConsentId) -> Stands:
    """The grant, if a person gave it to this client and it stands now; raises `InvalidGrantId` otherwise (§5.4).

    The same words for a grant that is unknown, ended or another's: whoever guesses an id learns nothing by it.
    """
    stands = await own_grant(server, tx, client, grant)
    if stands.version.ancestors:
        raise InvalidGrantId(_NONE, detail=f"{grant} is part of another")
    return stands


async def own_grant(server: Server, tx: Transaction, client: ClientId, grant: ConsentId) -> Stands:
    """The same also for a part that another client passed on: it can be looked at and given back, not added to."""
    stands = await find_standing(server, tx, grant)
    if stands is None or stands.state.client != client or is_own(stands.state):
        raise InvalidGrantId(_NONE, detail=f"{grant}")
    return stands
