"""The OAuth 2.1 / OpenID server: endpoints, steps, grants, client authentication, tokens."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.authorization import user_codes
    from grantline.authorization.application import oauth_endpoints
    from grantline.authorization.asked_elsewhere import (
        AskedElsewhere,
        ElsewhereRequest,
        Found,
        NotFoundHere,
        TooManyTries,
    )
    from grantline.authorization.client_sessions import ClientSessionRow
    from grantline.authorization.documents import Documents
    from grantline.authorization.doors import Door, behind, through_tls
    from grantline.authorization.elsewhere import ElsewhereRow, Result, Way
    from grantline.authorization.endpoints.paths import AUTHORIZE, END_SESSION
    from grantline.authorization.families import LOCKED, EndsWithPassword
    from grantline.authorization.gateway_tokens import token_for
    from grantline.authorization.http import Response
    from grantline.authorization.interaction import Interaction
    from grantline.authorization.issuers import TrustedIssuer, check_issuer, trust
    from grantline.authorization.keys import Keys
    from grantline.authorization.logout import Farewell, Leaving, Logout
    from grantline.authorization.mtls import Mtls
    from grantline.authorization.operator import appoint
    from grantline.authorization.pinging import Pinging
    from grantline.authorization.profiles import card_of
    from grantline.authorization.questions import Answered, Question, Waiting
    from grantline.authorization.rates import Rates, SlowDown
    from grantline.authorization.remote import Remote
    from grantline.authorization.resource_lists import GatewayResourceLists
    from grantline.authorization.response_modes import Delivery
    from grantline.authorization.server import Fetch, Pages, ResourceLists, Server
    from grantline.authorization.service_grants import (
        ServiceChange,
        ServiceGrant,
        give_service_grant,
        read_service_grant,
    )
    from grantline.authorization.settings import Settings
    from grantline.authorization.steps.presence import Deliver, SignIn
    from grantline.authorization.telling import Telling
    from grantline.authorization.tickets import Elsewhere
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "AUTHORIZE",
    "END_SESSION",
    "LOCKED",
    "Answered",
    "AskedElsewhere",
    "ClientSessionRow",
    "Deliver",
    "Delivery",
    "Documents",
    "Door",
    "Elsewhere",
    "ElsewhereRequest",
    "ElsewhereRow",
    "EndsWithPassword",
    "Farewell",
    "Fetch",
    "Found",
    "GatewayResourceLists",
    "Interaction",
    "Keys",
    "Leaving",
    "Logout",
    "Mtls",
    "NotFoundHere",
    "Pages",
    "Pinging",
    "Question",
    "Rates",
    "Remote",
    "ResourceLists",
    "Response",
    "Result",
    "Server",
    "ServiceChange",
    "ServiceGrant",
    "Settings",
    "SignIn",
    "SlowDown",
    "Telling",
    "TooManyTries",
    "TrustedIssuer",
    "Waiting",
    "Way",
    "appoint",
    "behind",
    "card_of",
    "check_issuer",
    "give_service_grant",
    "oauth_endpoints",
    "read_service_grant",
    "through_tls",
    "token_for",
    "trust",
    "user_codes",
]
