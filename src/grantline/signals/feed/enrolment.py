"""How a gateway becomes known: a one-time token from the operator is spent for the gateway's own public key."""

import hashlib

import msgspec

from grantline.crypto.es256 import PublicKey
from grantline.model.clock import Clock
from grantline.model.errors import InvalidRequest
from grantline.model.events import EventType
from grantline.model.ids import GatewayId, Randomness, opaque
from grantline.signals.feed.tell import Teller
from grantline.signals.store import EnrolledGateway, Transaction

LIFETIME_S = 30 * 60


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256, hex. The token has 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


async def issue_token(
    tx: Transaction, gateway: GatewayId, clock: Clock, randomness: Randomness, *, lifetime_s: int = LIFETIME_S
) -> str:
    """A token by which `gateway` may enrol once, within `lifetime_s`. Shown once, kept as a hash."""
    token = opaque("enrol", randomness, 32)
    await tx.gateways.enrolments.keep_token(token_hash(token), gateway, clock.wall_us() // 1_000_000 + lifetime_s)
    return token


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of the enrolment request: the one-time token and the public key that the gateway made itself."""

    token: str
    gateway: GatewayId
    jwk: dict[str, str]


async def enrol(tx: Transaction, request: EnrolmentRequest, teller: Teller, clock: Clock) -> None:
    """Verify every binding, then spend the token and keep the key. Raises `InvalidRequest`, then nothing was done.

    Enrolling again replaces the gateway's key: tokens of the older key are refused from then on.
    """
    token, gateway, jwk = request.token, request.gateway, request.jwk
    try:
        key = PublicKey.from_jwk(jwk)
    except ValueError as error:
        raise InvalidRequest("The key must be a public P-256 JWK.", detail=str(error)) from error
    now = clock.wall_us() // 1_000_000
    kept = await tx.gateways.enrolments.token(token_hash(token))
    if kept is None or kept[0] != gateway or kept[1] <= now or kept[2] is not None:
        raise InvalidRequest("This enrolment token is not valid; ask the operator for a new one.")
    other = await tx.gateways.enrolments.by_thumbprint(key.thumbprint)
    if other is not None and other.gateway != gateway:
        raise InvalidRequest("This key belongs to another gateway; each gateway makes its own.")
    public = {name: key.jwk[name] for name in ("kty", "crv", "x", "y")}
    await tx.gateways.enrolments.spend_token(token_hash(token), now)
    await tx.gateways.enrolments.enrol(
        EnrolledGateway(gateway=gateway, thumbprint=key.thumbprint, jwk=public, enrolled_us=clock.wall_us())
    )
    await tx.outbox.append(teller.gateway(EventType.GATEWAY_ENROLLED, "enrol", gateway, jwk=public))
