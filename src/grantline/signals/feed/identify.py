"""Which gateway is asking? Its enrolled key says so, once per token."""

from collections import OrderedDict
from collections.abc import Iterable

from grantline.crypto.es256 import InvalidJws, PublicKey
from grantline.crypto.instance import LONGEST, SKEW, read_instance_token
from grantline.model.clock import Clock
from grantline.model.ids import GatewayId
from grantline.model.ports import Work
from grantline.signals.store import Transaction

REMEMBERED = 100_000


class Identify:
    """Reads `Authorization: Bearer <instance token>` of requests to /gateway/*."""

    def __init__(self, work: Work[Transaction], issuer: str, clock: Clock) -> None:
        self._work = work
        self._issuer = issuer
        self._clock = clock
        self._seen: OrderedDict[str, int] = OrderedDict()

    async def gateway(self, headers: Iterable[tuple[bytes, bytes]]) -> GatewayId:
        """The enrolled gateway that made this request; raises `InvalidJws`."""
        token = _bearer(headers)
        enrolled = await self._work.read(lambda tx: tx.gateways.enrolments.gateways())
        owners = {one.thumbprint: one for one in enrolled}
        used: list[GatewayId] = []

        def find(kid: str) -> PublicKey | None:
            owner = owners.get(kid)
            if owner is None:
                return None
            used.append(owner.gateway)
            return PublicKey.from_jwk(owner.jwk)

        claims = read_instance_token(token, find, self._issuer, self._clock)
        if used != [claims.iss]:
            raise InvalidJws("the key is another gateway's")
        self._once(claims.jti)
        return used[0]

    def _once(self, jti: str) -> None:
        """A token that was seen is refused for as long as it could be valid; a full memory refuses all."""
        now = self._clock.wall_us() // 1_000_000
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if jti in self._seen or len(self._seen) >= REMEMBERED:
            raise InvalidJws("token used before")
        self._seen[jti] = now + LONGEST + SKEW


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    values = [value for name, value in headers if name == b"authorization"]
    if len(values) != 1:
        raise InvalidJws("exactly one Authorization header is needed")
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidJws("scheme Bearer is needed")
    return token
