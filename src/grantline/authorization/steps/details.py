"""What is asked for, in its inner form: scopes are only names for authorization details (RFC 9396, RFC 8707)."""

from typing import Any

from grantline.authorization.parameters import read_json
from grantline.authorization.steps.request import OFFLINE, OPENID, OWN_GRANTS, Asking
from grantline.authorization.tokens import about_person
from grantline.catalog import Asked, join
from grantline.model.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget


def wanted_scopes(asking: Asking) -> tuple[str, ...]:
    """The scopes, each once; without scope and details the client's default, else all that it is registered for."""
    return tuple(scope for scope in dict.fromkeys(_named_scopes(asking)) if scope != OFFLINE)


def wants_offline(asking: Asking) -> bool:
    """True if refresh tokens are asked for by name, and this client gets them (OIDC Core §11)."""
    return OFFLINE in _named_scopes(asking) and "refresh_token" in asking.client.grants


def _named_scopes(asking: Asking) -> tuple[str, ...]:
    parameters, client = asking.parameters, asking.client
    if parameters.scope is not None:
        return tuple(parameters.scope.split())
    if parameters.authorization_details is not None:
        return ()
    return tuple(scope for scope in client.default_scopes or client.scopes if scope not in OWN_GRANTS)


def asked_for(asking: Asking) -> tuple[Asked, ...]:
    """Scopes and details together, none beyond the client's ceiling; raises what RFC 6749 and RFC 9396 §5 name."""
    scopes = wanted_scopes(asking)
    if not set(scopes) <= {OPENID, *asking.client.scopes}:
        raise InvalidScope("A scope is unknown, or this client may not ask for it.")
    catalog = asking.server.catalog()
    asked = catalog.asked_by_scopes(tuple(scope for scope in scopes if scope not in about_person.SCOPES))
    asked = join((*asked, *_asked_by_details(asking)))
    if not asked and OPENID not in scopes:
        raise InvalidScope("Ask for something: a scope of an API, or authorization_details.")
    return asked


def audience_of(asking: Asking, asked: tuple[Asked, ...]) -> tuple[str, ...]:
    """The resources that tokens may be for. Each one named must be asked for, and nothing else be (check 96)."""
    locations = tuple(dict.fromkeys(place for one in asked for place in one.item.locations))
    wanted = asking.parameters.resource
    if not wanted:
        # Userinfo is a resource of this server itself: with openid it is one of the audiences.
        return (*locations, asking.server.issuer) if OPENID in wanted_scopes(asking) else locations
    own = {asking.server.issuer} if OPENID in wanted_scopes(asking) else set()
    if not set(wanted) <= {*locations, *own} or not set(locations) <= set(wanted):
        raise InvalidTarget("The resources named and the access asked for do not fit together.")
    return tuple(dict.fromkeys(wanted))


def _asked_by_details(asking: Asking) -> tuple[Asked, ...]:
    raw = asking.parameters.authorization_details
    if raw is None:
        return ()
    value: Any = read_json(raw, Any, "authorization_details")
    asked = asking.server.catalog().asked_by_details(value)
    if not {one.item.type for one in asked} <= set(asking.client.details):
        raise InvalidAuthorizationDetails("This client may not ask for details of this type.")
    return asked
