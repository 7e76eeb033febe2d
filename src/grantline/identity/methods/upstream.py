"""Another OpenID provider says who it is (OIDC Core §3.1): what we ask it, and when we believe its answer."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from grantline.identity.levels import MFA, UPSTREAM, Proof
from grantline.identity.settings import UpstreamSettings
from grantline.model.reading import decoded

METHOD = "upstream"
SKEW_S = 10
OLDEST_S = 600
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(Exception):
    """The provider's answer proves nothing. The text is for the operator's log."""


class Discovered(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of a provider's metadata (OIDC Discovery §3, RFC 9207 §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody at a provider. `email` only when the provider says that it verified it. `acr`, `amr`: its words.

    `auth_time`: when they last signed in there (unix seconds), where it says so and that was before now.
    """

    issuer: str
    sub: str
    name: str
    email: str | None
    acr: str
    amr: tuple[str, ...]
    auth_time: int | None = None


def discovered(body: bytes, settings: UpstreamSettings) -> Discovered:
    """Parse a discovery document. Raises `Refused` when it speaks for another issuer, or of plain http."""
    try:
        found = decoded(body, Discovered)
    except msgspec.DecodeError as error:
        raise Refused(f"discovery: {error}") from error
    if found.issuer != settings.issuer:
        raise Refused(f"discovery: issuer is {found.issuer!r}")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        require_safe(address, settings.issuer)
    return found


def on_this_machine(address: str) -> bool:
    """True for plain http to loopback, as two instances are tried out on one machine."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def require_safe(address: str, issuer: str) -> None:
    """Raises `Refused` for anything but https (OIDC Discovery §7.1), or loopback where the issuer itself is there."""
    if urlsplit(address).scheme != "https" and not (on_this_machine(issuer) and on_this_machine(address)):
        raise Refused(f"{address!r} is not https")


def authorization_url(
    found: Discovered, settings: UpstreamSettings, *, back: str, state: str, nonce: str, verifier: str, again: bool
) -> str:
    """Where the browser goes: code flow with PKCE (RFC 7636), state, nonce. `again`: a fresh sign-in is asked for."""
    fields = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": back,
        "scope": " ".join(settings.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        # With `max_age` the answer has to tell when they last signed in (OIDC Core §2): a browser can lose `prompt`.
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    join = "&" if urlsplit(found.authorization_endpoint).query else "?"
    return f"{found.authorization_endpoint}{join}{urlencode(fields)}"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def code_of(answer: Mapping[str, str], found: Discovered) -> str:
    """The code of an authorization answer. Raises `Refused` on an error, or an answer of another server (RFC 9207)."""
    issuer = answer.get("iss")
    if issuer is None and found.authorization_response_iss_parameter_supported:
        raise Refused("the answer does not say whose it is")
    if issuer is not None and issuer != found.issuer:
        raise Refused("the answer is another issuer's")
    if "error" in answer:
        raise Refused(f"the provider says {answer['error'][:60]!r}")
    code = answer.get("code", "")
    if not code or len(code) > 4_096:
        raise Refused("no code")
    return code


def account_of(token: str, jwks: Mapping[str, Any], settings: UpstreamSettings, *, nonce: str, now: int) -> Account:
    """Who an ID token speaks of (OIDC Core §3.1.3.7). Raises `Refused`.

    Only the algorithms of the settings count, and only keys that the issuer publishes: nothing in the token's own
    header names a key but its `kid`.
    """
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(dict(jwks)), algorithms=list(settings.algorithms))  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(f"ID token: {type(error).__name__}: {error}") from error
    if "crit" in decoded.header:
        raise Refused("ID token: it demands an extension")
    claims = decoded.claims
    _require_ours(claims, settings)
    _require_now(claims, now)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Refused("ID token: it answers another question")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:
        raise Refused("ID token: nobody is named")
    email = claims.get("email") if claims.get("email_verified") is True else None
    amr = claims.get("amr")
    return Account(
        issuer=settings.issuer,
        sub=sub,
        name=str(claims.get("name") or "")[:100],
        email=email if isinstance(email, str) and email.count("@") == 1 else None,
        acr=str(claims.get("acr") or ""),
        amr=tuple(str(one)[:20].replace(" ", "") for one in amr[:8]) if isinstance(amr, list) else (),
        auth_time=_signed_in_at(claims, now),
    )


def proof_of(account: Account, settings: UpstreamSettings) -> Proof:
    """What this sign-in counts as here: one factor, unless the operator trusts that `acr` of that provider for more.

    It is as old as the provider says: who is still signed in there is not asked for anything (check 16, 17).
    """
    return Proof(account.amr, MFA if account.acr in settings.mfa_acr else UPSTREAM, account.auth_time)


def in_domain(email: str, domains: tuple[str, ...]) -> bool:
    """Whether an address is in one of these domains, exactly; a subdomain is another domain."""
    return email.rpartition("@")[2].lower() in {domain.lower() for domain in domains}


def _require_ours(claims: Mapping[str, Any], settings: UpstreamSettings) -> None:
    if claims.get("iss") != settings.issuer:
        raise Refused("ID token: another issuer")
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if settings.client_id not in several:
        raise Refused("ID token: for somebody else")
    party = claims.get("azp", settings.client_id if len(several) == 1 else None)
    if party != settings.client_id:
        raise Refused("ID token: given to somebody else")


def _signed_in_at(claims: Mapping[str, Any], now: int) -> int | None:
    """When, if it was before now by more than clocks differ; None where the provider does not say."""
    told = claims.get("auth_time")
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < now - SKEW_S:
        return None
    return int(told)


def _require_now(claims: Mapping[str, Any], now: int) -> None:
    ends, made, starts = (claims.get(name) for name in ("exp", "iat", "nbf"))
    if not isinstance(ends, int | float) or ends <= now - SKEW_S:
        raise Refused("ID token: it is over")
    if not isinstance(made, int | float) or not now - OLDEST_S <= made <= now + SKEW_S:
        raise Refused("ID token: it was not made just now")
    if starts is not None and (not isinstance(starts, int | float) or starts > now + SKEW_S):
        raise Refused("ID token: it does not count yet")
