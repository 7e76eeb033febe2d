"""Why a call is refused. One code, one HTTP answer, one plain sentence (the denial map)."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Machine-readable reason codes; they appear in problem+json, in the ledger and in `explain`."""

    TOKEN_MISSING = "token_missing"
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    PROOF_MISSING = "proof_missing"
    PROOF_INVALID = "proof_invalid"
    PROOF_REPLAYED = "proof_replayed"
    PROOF_NONCE = "proof_nonce"
    PROOF_CACHE_FULL = "proof_cache_full"
    GRANT_WITHDRAWN = "grant_withdrawn"
    GRANT_REVOKED = "grant_revoked"
    GRANT_EXPIRED = "grant_expired"
    GRANT_SUPERSEDED = "grant_superseded"
    GRANT_SUSPENDED = "grant_suspended"
    GRANT_NOT_STARTED = "grant_not_started"
    CONFIRMATION_DUE = "confirmation_due"
    PURPOSE_MISSING = "purpose_missing"
    PURPOSE_MISMATCH = "purpose_mismatch"
    FIELD_NOT_GRANTED = "field_not_granted"
    RESOURCE_NOT_GRANTED = "resource_not_granted"
    ACTION_NOT_GRANTED = "action_not_granted"
    LOOKBACK_EXCEEDED = "lookback_exceeded"
    ROUTE_UNKNOWN = "route_unknown"
    REQUEST_INVALID = "request_invalid"
    LIMIT_REACHED = "limit_reached"
    LIMIT_UNKNOWN = "limit_unknown"
    CLIENT_QUARANTINED = "client_quarantined"
    OBLIGATION_UNSUPPORTED = "obligation_unsupported"
    POLICY_DENIED = "policy_denied"
    POLICY_ERROR = "policy_error"
    FEED_STALE = "feed_stale"
    CONSENT_UNAVAILABLE = "consent_unavailable"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    RESPONSE_UNFILTERABLE = "response_unfilterable"
    KEY_COMPROMISED = "key_compromised"
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MISMATCH = "certificate_mismatch"
    TOKEN_UNAVAILABLE = "token_unavailable"
    STEP_UP = "step_up"


NOT_FORWARDED = "not_forwarded"
"""Outcome of a permitted call whose caller left before it went on. Nobody is told it over HTTP: it is no `Reason`."""


class Answer(NamedTuple):
    """How a reason is told over HTTP: status, OAuth error as in RFC 6750 §3.1 (None: no challenge), a plain title."""

    status: int
    error: str | None
    title: str


ANSWERS: dict[Reason, Answer] = {
    Reason.TOKEN_MISSING: Answer(401, None, "This call carries no access token."),
    Reason.TOKEN_INVALID: Answer(401, "invalid_token", "The access token is not valid here."),
    Reason.TOKEN_EXPIRED: Answer(401, "invalid_token", "The access token has expired."),
    Reason.PROOF_MISSING: Answer(401, "invalid_dpop_proof", "This token needs a DPoP proof."),
    Reason.PROOF_INVALID: Answer(401, "invalid_dpop_proof", "The DPoP proof is not valid for this call."),
    Reason.PROOF_REPLAYED: Answer(401, "invalid_dpop_proof", "The DPoP proof was used before."),
    Reason.PROOF_NONCE: Answer(401, "use_dpop_nonce", "The DPoP proof needs the nonce given with this answer."),
    Reason.PROOF_CACHE_FULL: Answer(503, None, "Too many proofs are remembered; try again shortly."),
    Reason.GRANT_WITHDRAWN: Answer(401, "invalid_token", "The person withdrew this consent."),
    Reason.GRANT_REVOKED: Answer(401, "invalid_token", "This consent was revoked."),
    Reason.GRANT_EXPIRED: Answer(401, "invalid_token", "This consent has ended."),
    Reason.GRANT_SUPERSEDED: Answer(401, "invalid_token", "This consent has a newer version; get a new token."),
    Reason.GRANT_SUSPENDED: Answer(403, None, "This consent is paused."),
    Reason.GRANT_NOT_STARTED: Answer(403, None, "This consent has not started yet."),
    Reason.CONFIRMATION_DUE: Answer(403, None, "The person has to confirm this consent again."),
    Reason.PURPOSE_MISSING: Answer(403, "insufficient_scope", "Say the purpose of this call in Grantline-Purpose."),
    Reason.PURPOSE_MISMATCH: Answer(403, "insufficient_scope", "This purpose was not agreed."),
    Reason.FIELD_NOT_GRANTED: Answer(403, "insufficient_scope", "A field asked for was not agreed."),
    Reason.RESOURCE_NOT_GRANTED: Answer(403, "insufficient_scope", "This resource was not agreed."),
    Reason.ACTION_NOT_GRANTED: Answer(403, "insufficient_scope", "This action was not agreed."),
    Reason.LOOKBACK_EXCEEDED: Answer(403, "insufficient_scope", "This data is older than agreed."),
    Reason.ROUTE_UNKNOWN: Answer(403, None, "No delegated access is defined for this route."),
    Reason.REQUEST_INVALID: Answer(400, "invalid_request", "The call cannot be understood without doubt."),
    Reason.LIMIT_REACHED: Answer(429, None, "The agreed limit is reached."),
    Reason.LIMIT_UNKNOWN: Answer(503, None, "How many calls are left could not be looked up."),
    Reason.CLIENT_QUARANTINED: Answer(403, None, "This app is stopped for now."),
    Reason.OBLIGATION_UNSUPPORTED: Answer(403, None, "This gateway cannot enforce what the consent demands."),
    Reason.POLICY_DENIED: Answer(403, None, "A policy of this organisation refuses the call."),
    Reason.POLICY_ERROR: Answer(503, None, "The policy could not be evaluated."),
    Reason.FEED_STALE: Answer(503, None, "The gateway cannot be sure which consents stand."),
    Reason.CONSENT_UNAVAILABLE: Answer(503, None, "The consent could not be fetched."),
    Reason.AUDIT_UNAVAILABLE: Answer(503, None, "The call could not be recorded, so it was not let through."),
    Reason.RESPONSE_UNFILTERABLE: Answer(
        502, None, "The API answered in a form that cannot be cut to what was agreed."
    ),
    Reason.KEY_COMPROMISED: Answer(401, "invalid_token", "The key that signed this token is no longer trusted."),
    Reason.CERTIFICATE_MISSING: Answer(401, "invalid_token", "This token needs the client certificate it is bound to."),
    Reason.CERTIFICATE_MISMATCH: Answer(401, "invalid_token", "This token is bound to another client certificate."),
    Reason.TOKEN_UNAVAILABLE: Answer(503, None, "What this access token stands for could not be looked up."),
    Reason.STEP_UP: Answer(
        401, "insufficient_user_authentication", "The person has to sign in again, or in a stronger way."
    ),
}
