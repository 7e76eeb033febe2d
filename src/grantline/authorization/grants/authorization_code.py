"""The code that the browser brought is traded for tokens, once (RFC 6749 §4.1.3, RFC 7636 §4.6)."""

import hashlib
import hmac
from typing import Annotated

import msgspec

from grantline.authorization.families import end_family
from grantline.authorization.grants import Authorized, ClientAuth, Grant, Redeeming
from grantline.authorization.steps.spending import spend
from grantline.authorization.store import TicketKind
from grantline.authorization.tickets import CodeTicket, Handle, Kept, find
from grantline.crypto.encoding import b64url
from grantline.model.errors import InvalidGrant

Verifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]
_SPENT = "The code is no longer valid."


class Parameters(msgspec.Struct, frozen=True):
    """What the client sends. `redirect_uri` may be left out (OAuth 2.1), but must be the same if sent."""

    code: Handle
    code_verifier: Verifier | None = None
    redirect_uri: str | None = None
    resource: tuple[str, ...] = ()


async def authorize(redeeming: Redeeming, parameters: Parameters) -> Authorized:
    """Check every binding, then spend the code; a second, correctly bound spending takes its tokens with it."""
    tx, now = redeeming.tx, redeeming.now
    kept = await find(tx.tickets, CodeTicket, parameters.code)
    if kept is None:
        raise InvalidGrant(_SPENT, detail="no such code")
    # Bindings come before the code is spent: a thief must not be able to burn it (RFC 6749 §4.1.2).
    _require_bindings(redeeming, kept, parameters)
    code = kept.body
    if kept.redeemed:
        why = "code_replayed"
        await end_family(redeeming.server, tx, code.family, code.consent, why=why, finding=True)
        raise InvalidGrant(_SPENT, detail="used before; its tokens were ended")
    if not kept.is_open(now):
        raise InvalidGrant(_SPENT, detail="expired")
    # Whoever signed in with a password that was replaced since, or has signed out, gets nothing more by it.
    if code.sid is not None and not await tx.client_sessions.is_present(code.sid):
        raise InvalidGrant(_SPENT, detail="the session that it was given in has ended")
    return await spend(redeeming, code, parameters.resource, (TicketKind.CODE, kept.digest), _SPENT)


def _require_bindings(redeeming: Redeeming, kept: Kept[CodeTicket], parameters: Parameters) -> None:
    """Client, redirect URI, PKCE and key (check 80); which one failed is for the operator alone."""
    code = kept.body
    wrong = (
        (code.client != redeeming.client.id, "another client's code"),
        (parameters.redirect_uri not in {None, code.redirect_uri}, "another redirect_uri"),
        (not _is_verified(code.challenge, parameters.code_verifier), "code_verifier does not match"),
        (code.jkt is not None and code.jkt != redeeming.jkt, "bound to another key"),
    )
    for fails, why in wrong:
        if fails:
            raise InvalidGrant("The code is not for this client, key or request.", detail=why)


def _is_verified(challenge: str | None, verifier: str | None) -> bool:
    """Both or neither: a verifier that nobody announced is a downgrade (checks 81, 82; RFC 9700 §4.8.2)."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return hmac.compare_digest(challenge, b64url(hashlib.sha256(verifier.encode()).digest()))


GRANT = Grant(
    name="authorization_code",
    spec="RFC 6749 §4.1.3",
    client_auth=ClientAuth.AS_REGISTERED,
    parameters=Parameters,
    authorize=authorize,
)
