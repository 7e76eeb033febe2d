"""Checks an authorization request, the same for pushed and plain ones. Read the lists down: that is what is checked."""

from collections.abc import Callable

from grantline.authorization.steps.details import asked_for, audience_of, wanted_scopes
from grantline.authorization.steps.request import OPENID, Asking
from grantline.authorization.tickets import RequestTicket
from grantline.authorization.tokens import access, id_token
from grantline.model.errors import (
    InvalidRequest,
    OAuthError,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from grantline.model.ids import SubjectId
from grantline.parties import Profile, find_redirect_uri

PROMPTS = frozenset({"none", "login", "consent"})


class InvalidRedirect(InvalidRequest):
    """The address to go back to is not registered: nothing is ever sent there."""


class RequestNotSupported(OAuthError):
    """Request objects by value are not read here (OIDC Core §3.1.2.6)."""

    code = "request_not_supported"


Check = Callable[[Asking], None]


def check_redirect_uri(asking: Asking) -> None:
    """Exactly a registered address; only the port of a loopback IP may differ (checks 1 to 4)."""
    uri = asking.parameters.redirect_uri
    if uri is None or not find_redirect_uri(asking.client.redirect_uris, uri):
        raise InvalidRedirect("redirect_uri is missing or not registered.")


def check_grant(asking: Asking) -> None:
    """The client is registered to send people here, and to send them so."""
    if "authorization_code" not in asking.client.grants:
        raise UnauthorizedClient("This client is not registered for the authorization code grant.")
    if asking.client.profile is Profile.FAPI2 and not asking.pushed:
        raise InvalidRequest("This client has to push its requests first.")


def check_request_object(asking: Asking) -> None:
    """Signed request objects are not read here; ignoring one would be worse (check 20)."""
    if asking.parameters.request is not None:
        raise RequestNotSupported("Request objects are not accepted; push the parameters instead.")


def check_response(asking: Asking) -> None:
    """Only a code, only in the query (check 10)."""
    if asking.parameters.response_type is None:
        raise InvalidRequest("The parameter response_type is missing.")
    if asking.parameters.response_type != "code":
        raise UnsupportedResponseType("Only response_type=code exists here.")
    if asking.parameters.response_mode not in {None, "query"}:
        raise InvalidRequest("Only response_mode=query exists here.")


def check_pkce(asking: Asking) -> None:
    """Always there, always S256; an absent method would mean plain (checks 7 to 9)."""
    if asking.parameters.code_challenge is None:
        raise InvalidRequest("The parameter code_challenge is missing.")
    if asking.parameters.code_challenge_method != "S256":
        raise InvalidRequest("code_challenge_method must be S256.")


def check_prompt(asking: Asking) -> None:
    """Known values only, and `none` alone (OIDC Core §3.1.2.1)."""
    prompt = (asking.parameters.prompt or "").split()
    if set(prompt) - PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt is none, or login and consent in any order.")


def check_key(asking: Asking) -> None:
    """A stated key and a proven key must be the same one (RFC 9449 §10.1; check 68)."""
    stated = asking.parameters.dpop_jkt
    if stated is not None and asking.jkt is not None and stated != asking.jkt:
        raise InvalidRequest("dpop_jkt is not the key of the DPoP proof.")


def check_size(asking: Asking) -> None:
    """An access token for all of it must fit."""
    asked = asked_for(asking)
    access.require_fits(
        asking.server,
        asking.client.id,
        " ".join(wanted_scopes(asking)),
        audience_of(asking, asked),
        {one.item.purpose for one in asked},
    )


DESTINATION: tuple[Check, ...] = (check_redirect_uri,)
"""Until these hold, nothing is said to any address (check 3)."""

CHECKS: tuple[Check, ...] = (
    check_grant,
    check_request_object,
    check_response,
    check_pkce,
    check_prompt,
    check_key,
    check_size,
)


def examine(asking: Asking, checks: tuple[Check, ...]) -> None:
    """Run the checks in order; the first that fails raises."""
    for check in checks:
        check(asking)


def to_ticket(asking: Asking) -> RequestTicket:
    """The checked request in the form in which it waits for its person."""
    parameters = asking.parameters
    asked = asked_for(asking)
    assert parameters.redirect_uri is not None
    assert parameters.code_challenge is not None
    scopes = wanted_scopes(asking)
    return RequestTicket(
        client=asking.client.client_id,
        redirect_uri=parameters.redirect_uri,
        state=parameters.state,
        nonce=parameters.nonce,
        challenge=parameters.code_challenge,
        scope=" ".join(scopes),
        openid=OPENID in scopes,
        resources=audience_of(asking, asked),
        asked=asked,
        prompt=tuple((parameters.prompt or "").split()),
        max_age=None if parameters.max_age is None else int(parameters.max_age),
        hint=_hinted(asking),
        language=((parameters.ui_locales or "").split() or ["en"])[0],
        jkt=asking.jkt or parameters.dpop_jkt,
        created_at=asking.server.now(),
    )


def _hinted(asking: Asking) -> SubjectId | None:
    hint = asking.parameters.id_token_hint
    if hint is None:
        return None
    subject = id_token.subject_of_hint(asking.server, hint)
    if subject is None:
        raise InvalidRequest("id_token_hint is not an ID token of this server.")
    return subject
