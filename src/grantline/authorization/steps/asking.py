"""Checks an authorization request, the same for pushed and plain ones. Read the lists down: that is what is checked."""

from collections.abc import Callable

from grantline.authorization.response_modes import Back
from grantline.authorization.steps.claims import ClaimsWanted, read_claims
from grantline.authorization.steps.details import asked_for, audience_of, wanted_scopes, wants_offline
from grantline.authorization.steps.grant_action import check_grant_action
from grantline.authorization.steps.request import OPENID, Asking
from grantline.authorization.steps.request_object import must_push, must_sign
from grantline.authorization.tickets import Elsewhere, RequestTicket
from grantline.authorization.tokens import access, id_token
from grantline.model.errors import (
    InvalidRequest,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from grantline.model.ids import ConsentId, SubjectId
from grantline.parties import find_redirect_uri, rules_of

PROMPTS = ("none", "login", "consent", "select_account")


class InvalidRedirect(InvalidRequest):
    """The address to go back to is not registered: nothing is ever sent there."""


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


def check_profile(asking: Asking) -> None:
    """By the back channel and signed, where the client's profile or registration says so (check 65)."""
    if must_push(asking.client) and not asking.pushed:
        raise InvalidRequest("This client has to push its requests first.")
    check_signed(asking)


def check_signed(asking: Asking) -> None:
    """Signed, where the client's profile or registration says so."""
    if must_sign(asking.client) and not asking.signed:
        raise InvalidRequest("This client has to sign its requests.")


def check_response(asking: Asking) -> None:
    """Only a code (check 10), in a way that the client's profile allows."""
    if asking.parameters.response_type is None:
        raise InvalidRequest("The parameter response_type is missing.")
    if asking.parameters.response_type != "code":
        raise UnsupportedResponseType("Only response_type=code exists here.")
    modes = rules_of(asking.client.profile).response_modes
    if (asking.parameters.response_mode or "query") not in modes:
        raise InvalidRequest(f"response_mode must be one of {', '.join(modes)}.")


def check_pkce(asking: Asking) -> None:
    """There, and S256; an absent method would mean plain (checks 7 to 9). One exemption: see `exemptions`."""
    parameters = asking.parameters
    if parameters.code_challenge is None and parameters.code_challenge_method is None:
        if asking.client.require_pkce:
            raise InvalidRequest("The parameter code_challenge is missing.")
        if parameters.nonce is None or OPENID not in wanted_scopes(asking):
            raise InvalidRequest("Without code_challenge a request needs the scope openid and a nonce.")
        return
    if parameters.code_challenge is None:
        raise InvalidRequest("The parameter code_challenge is missing.")
    if parameters.code_challenge_method != "S256":
        raise InvalidRequest("code_challenge_method must be S256.")


def check_prompt(asking: Asking) -> None:
    """Known values only, and `none` alone (OIDC Core §3.1.2.1)."""
    prompt = (asking.parameters.prompt or "").split()
    if set(prompt) - set(PROMPTS) or ("none" in prompt and len(prompt) > 1):
        raise InvalidRequest("prompt is none, or login, consent and select_account in any order.")


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
    check_profile,
    check_response,
    check_pkce,
    check_prompt,
    check_key,
    check_grant_action,
    check_size,
)


FROM_ELSEWHERE: tuple[Check, ...] = (check_signed, check_key, check_grant_action, check_size)
"""For requests that no browser brings: there is no address to go back to, and no code that one could carry."""


def examine(asking: Asking, checks: tuple[Check, ...]) -> None:
    """Run the checks in order; the first that fails raises."""
    for check in checks:
        check(asking)


def to_ticket(asking: Asking, elsewhere: Elsewhere | None = None) -> RequestTicket:
    """The checked request in the form in which it waits for its person. `elsewhere`: if no browser brought it."""
    parameters, client = asking.parameters, asking.client
    asked = asked_for(asking)
    assert elsewhere is not None or parameters.redirect_uri is not None
    claims = read_claims(parameters.claims)
    scopes = wanted_scopes(asking)
    return RequestTicket(
        client=client.client_id,
        redirect_uri=parameters.redirect_uri or "",
        state=parameters.state,
        nonce=parameters.nonce,
        challenge=parameters.code_challenge,
        scope=" ".join(scopes),
        openid=OPENID in scopes,
        resources=audience_of(asking, asked),
        asked=asked,
        prompt=tuple((parameters.prompt or "").split()),
        max_age=client.default_max_age if parameters.max_age is None else int(parameters.max_age),
        hint=_hinted(asking, claims),
        language=((parameters.ui_locales or "").split() or ["en"])[0],
        jkt=asking.jkt or parameters.dpop_jkt,
        created_at=asking.server.now(),
        response_mode=parameters.response_mode or "query",
        response_alg=client.algorithms.authorization,
        acr=claims.acr or tuple((parameters.acr_values or "").split()[:8]) or client.default_acr,
        acr_essential=claims.acr_essential,
        login_hint=parameters.login_hint,
        claims=claims,
        offline=wants_offline(asking),
        elsewhere=elsewhere,
        action=parameters.grant_management_action,
        grant=None if parameters.grant_id is None else ConsentId(parameters.grant_id),
    )


def back_of(asking: Asking) -> Back:
    """Where an error goes whose address is proven; the way asked for, where the client may ask for it."""
    parameters, modes = asking.parameters, rules_of(asking.client.profile).response_modes
    assert parameters.redirect_uri is not None
    wanted = parameters.response_mode or "query"
    return Back(
        asking.client.client_id,
        parameters.redirect_uri,
        parameters.state,
        wanted if wanted in modes else modes[0],
        asking.client.algorithms.authorization,
    )


def _hinted(asking: Asking, claims: ClaimsWanted) -> SubjectId | None:
    """Whom the client expects, by an ID token of before or by name (check 18; OIDC Core §5.5.1)."""
    hint = asking.parameters.id_token_hint
    if hint is None:
        return claims.sub
    subject = id_token.subject_of_hint(asking.server, hint)
    if subject is None:
        raise InvalidRequest("id_token_hint is not an ID token of this server.")
    if claims.sub not in {None, subject}:
        raise InvalidRequest("id_token_hint and claims are about different people.")
    return subject
