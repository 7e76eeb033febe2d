"""Which gateway is asking? Its enrolled key says so, once per token."""

import hashlib
from collections.abc import Iterable

from grantline.crypto.es256 import InvalidJws, PublicKey
from grantline.crypto.instance import LONGEST, SKEW, InstanceClaims, read_instance_token
from grantline.model.clock import Clock
from grantline.model.ports import Work
from grantline.signals.store import EnrolledGateway, Transaction

INSTANCE = "instance"
"""Purpose under which used instance tokens are kept."""


class Identify:
    """Reads `Authorization: Bearer <instance token>` of requests to /gateway/*."""

    def __init__(self, work: Work[Transaction], issuer: str, clock: Clock) -> None:
        self._work = work
        self._issuer = issuer
        self._clock = clock

    async def gateway(self, headers: Iterable[tuple[bytes, bytes]]) -> EnrolledGateway:
        """The enrolled gateway that made this request; raises `InvalidJws`, or what a write that fails raises."""
        token = _bearer(headers)
        enrolled = await self._work.read(lambda tx: tx.gateways.enrolments.gateways())
        owners = {one.thumbprint: one for one in enrolled}
        used: list[EnrolledGateway] = []

        def find(kid: str) -> PublicKey | None:
            owner = owners.get(kid)
            if owner is None:
                return None
            used.append(owner)
            return PublicKey.from_jwk(owner.jwk)

        claims = read_instance_token(token, find, self._issuer, self._clock)
        if [one.gateway for one in used] != [claims.iss]:
            raise InvalidJws("the key is another gateway's")
        await self._once(claims)
        return used[0]

    async def _once(self, claims: InstanceClaims) -> None:
        """A token that was used is refused for as long as it could be valid: by every process, over every restart."""
        digest = hashlib.sha256(f"{claims.iss} {claims.jti}".encode()).digest()
        until = self._clock.wall_us() // 1_000_000 + LONGEST + SKEW
        if not await self._work.write(lambda tx: tx.burned.keep(INSTANCE, digest, until)):
            raise InvalidJws("token used before")


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        raise InvalidJws("exactly one Authorization header is needed")
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidJws("scheme Bearer is needed")
    return token
