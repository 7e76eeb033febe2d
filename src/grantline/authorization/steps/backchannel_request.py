"""A backchannel request as it was sent (CIBA §7.1), by parameters or signed (§7.1.1), and what it has to be like."""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from grantline.authorization.parameters import Form, text
from grantline.authorization.server import Server
from grantline.authorization.steps.details import wanted_scopes
from grantline.authorization.steps.request import OPENID, Asking
from grantline.authorization.steps.request_object import LONGEST, signed_claims, to_form
from grantline.authorization.units import SIGNED_REQUEST, Burn
from grantline.model.errors import InvalidBindingMessage, InvalidRequest, InvalidRequestObject, InvalidScope
from grantline.parties import Backchannel, Client, Delivery

LONGEST_MESSAGE = 64
SHORTEST = 60
"""Seconds that a request waits at least. It counts as long among those that one client may put to one person."""
MESSAGE = re.compile(r"[A-Za-z0-9 .,:;/+#()€$£-]+")
"""What two people can compare on two screens; nothing that is invisible, turns around or looks like a link's marks."""
_NEEDED = ("iss", "aud", "exp", "iat", "nbf", "jti")
_BESIDE = frozenset({"request", "client_id", "client_assertion", "client_assertion_type", "client_secret"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters that only such requests have; the others are those of any authorization request."""

    client_notification_token: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~+/-]{1,1024}=*$")] | None = None
    login_hint: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    id_token_hint: Annotated[str, msgspec.Meta(max_length=8_192)] | None = None
    login_hint_token: str | None = None
    binding_message: str | None = None
    requested_expiry: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,8}$")] | None = None

    @property
    def hint(self) -> "Hint":
        """Who is meant; checked before."""
        return Hint(self.login_hint, self.id_token_hint)


@dataclass(frozen=True, slots=True)
class Hint:
    """One of both: what the person signs in with, or an ID token that this client has of them."""

    login: str | None
    id_token: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """The parameters that count, whether the client signed them, and what the signed form uses up."""

    form: Form
    signed: bool
    burns: tuple[Burn, ...] = ()


async def as_sent(server: Server, client: Client, form: Form) -> Sent:
    """What is in the signed request where there is one, and then nothing beside it (CIBA §7.1.1).

    Raises `InvalidRequest` or `InvalidRequestObject`.
    """
    if "request_uri" in form:
        raise InvalidRequest("A backchannel request cannot be sent by request_uri.")
    token = text(form, "request")
    if token is None:
        return Sent(form, False)
    if set(form) - _BESIDE:
        raise InvalidRequest("Beside a signed request stand only the parameters that authenticate the client.")
    claims = await signed_claims(server, client, token, client.algorithms.backchannel_request)
    return Sent(to_form(claims), True, (_once(server, client, claims),))


def _once(server: Server, client: Client, claims: dict[str, Any]) -> Burn:
    """A signed request counts once: who overheard it cannot ask the person again."""
    missing = [name for name in _NEEDED if claims.get(name) is None]
    if missing or not isinstance(claims["jti"], str) or claims["exp"] - claims["nbf"] > LONGEST:
        detail = f"lacks {missing}" if missing else "jti is no text, or it is valid for too long"
        raise InvalidRequestObject("The signed request is not valid here.", detail=detail)
    digest = hashlib.sha256(f"{client.id}\0request\0{claims['jti']}".encode()).digest()
    return Burn(SIGNED_REQUEST, digest, int(claims["exp"]) + server.settings.clock_skew + 1)


def check(client: Client, wanted: Wanted) -> None:
    """Exactly one hint of a kind we take, a message that can be compared, a token where we are to tell (§7.1)."""
    if wanted.login_hint_token is not None:
        raise InvalidRequest("login_hint_token is not supported; use login_hint or id_token_hint.")
    if (wanted.login_hint is None) == (wanted.id_token_hint is None):
        raise InvalidRequest("Send exactly one of login_hint and id_token_hint.")
    message = wanted.binding_message
    if message is not None and (len(message) > LONGEST_MESSAGE or not MESSAGE.fullmatch(message)):
        raise InvalidBindingMessage(
            f"binding_message has at most {LONGEST_MESSAGE} letters, digits, spaces and plain signs."
        )
    pings = (client.backchannel or Backchannel()).delivery is Delivery.PING
    if pings != (wanted.client_notification_token is not None):
        raise InvalidRequest("client_notification_token is for clients that are told by ping, and needed by those.")


def check_openid(asking: Asking) -> None:
    """The person is to be authenticated, so `openid` is asked for (§7.1)."""
    if OPENID not in wanted_scopes(asking):
        raise InvalidScope("A backchannel request needs the scope openid.")


def lifetime(server: Server, wanted: Wanted) -> int:
    """Seconds: what the client asks for, within our bound (§7.1)."""
    if wanted.requested_expiry is None:
        return server.settings.backchannel_lifetime
    return min(max(int(wanted.requested_expiry), SHORTEST), server.settings.backchannel_longest)
