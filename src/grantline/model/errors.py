"""Errors speak to two readers: the message is for the caller, `detail` for the operator's log."""


class GrantlineError(Exception):
    """Anything this software refuses with a reason. Becomes HTTP (or an exit code) in one place per surface."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class OAuthError(GrantlineError):
    """An error of the OAuth family: `code` is the registered error code, `status` its HTTP status."""

    code = "invalid_request"
    status = 400


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, oversized or malformed (RFC 6749 §5.2)."""


class InvalidClient(OAuthError):
    """The client did not prove who it is (RFC 6749 §5.2)."""

    code, status = "invalid_client", 401


class InvalidGrant(OAuthError):
    """The code, refresh token or its binding does not hold (RFC 6749 §5.2)."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """This client may not do this (RFC 6749 §5.2)."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """No such grant type here (RFC 6749 §5.2)."""

    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """Only `code` exists (RFC 6749 §4.1.2.1)."""

    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    """A scope is unknown or beyond the client's ceiling (RFC 6749 §5.2)."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """The resource is unknown or not allowed (RFC 8707 §2)."""

    code = "invalid_target"


class InvalidAuthorizationDetails(OAuthError):
    """An authorization detail is unknown, malformed or beyond the ceiling (RFC 9396 §5)."""

    code = "invalid_authorization_details"


class InvalidDpopProof(OAuthError):
    """The DPoP proof is malformed, replayed or of another key (RFC 9449 §5)."""

    code = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """The proof has to carry the nonce sent with this answer (RFC 9449 §8)."""

    code = "use_dpop_nonce"


class AccessDenied(OAuthError):
    """The person or the server refused (RFC 6749 §4.1.2.1)."""

    code, status = "access_denied", 403


class LoginRequired(OAuthError):
    """prompt=none and nobody is signed in (OIDC Core §3.1.2.6)."""

    code = "login_required"


class ConsentRequired(OAuthError):
    """prompt=none and a decision is due (OIDC Core §3.1.2.6)."""

    code = "consent_required"


class UnmetAuthenticationRequirements(OAuthError):
    """The sign-in is not of a level that the client cannot do without (OIDC Unmet Authentication Requirements)."""

    code = "unmet_authentication_requirements"


class InvalidRequestObject(OAuthError):
    """The signed request is not this client's, not for us, or not valid now (RFC 9101 §7)."""

    code = "invalid_request_object"


class InvalidRequestUri(OAuthError):
    """What stands at the request_uri cannot be had (RFC 9101 §7)."""

    code = "invalid_request_uri"


class RequestUriNotSupported(OAuthError):
    """This request_uri is not one of ours, nor registered to be fetched (OIDC Core §3.1.2.6)."""

    code = "request_uri_not_supported"


class AuthorizationPending(OAuthError):
    """The person has not answered yet (RFC 8628 §3.5, CIBA §11)."""

    code = "authorization_pending"


class PollSlower(OAuthError):
    """The same, and the client asked too soon: five seconds more between its questions from now on."""

    code = "slow_down"


class ExpiredToken(OAuthError):
    """The person did not answer in time (RFC 8628 §3.5, CIBA §11)."""

    code = "expired_token"


class UnknownUserId(OAuthError):
    """Nobody can be asked by this hint (CIBA §13)."""

    code = "unknown_user_id"


class InvalidBindingMessage(OAuthError):
    """The message is too long, or holds what people could not compare (CIBA §13)."""

    code = "invalid_binding_message"


class InvalidGrantId(OAuthError):
    """The grant to change is unknown, ended, another client's or another person's (Grant Management §5.4)."""

    code = "invalid_grant_id"


class InvalidToken(OAuthError):
    """The access token is missing, expired or revoked (RFC 6750 §3.1)."""

    code, status = "invalid_token", 401


class InsufficientScope(OAuthError):
    """The access token does not reach that far (RFC 6750 §3.1)."""

    code, status = "insufficient_scope", 403


class ServerError(OAuthError):
    """Something here failed; nothing was done (RFC 6749 §4.1.2.1)."""

    code, status = "server_error", 500


class TemporarilyUnavailable(OAuthError):
    """Try again later; nothing was done (RFC 6749 §4.1.2.1)."""

    code, status = "temporarily_unavailable", 503


class NotFound(GrantlineError):
    """There is no such thing, or not for this caller."""


class Conflict(GrantlineError):
    """The thing is not in the state this act needs."""


class AuditUnavailable(GrantlineError):
    """The record cannot be written, so the act is not done (fail closed)."""


class InvalidConfiguration(GrantlineError):
    """A file or setting is wrong. The message names the path, such as `$.clients[0].redirect_uris`."""
