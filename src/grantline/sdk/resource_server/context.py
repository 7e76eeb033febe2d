"""The gateway's signed context: what it says, and when an API must not believe it."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import InvalidJws, PublicKey, verify_jws
from grantline.model.clock import Clock, SystemClock
from grantline.model.errors import GrantlineError
from grantline.model.reading import decoder

HEADER = "grantline-context"
TYP = "grantline-context+jwt"
SKEW_MS = 100
"""How far this machine's clock may lag behind the gateway's. A withdrawal's promise waits exactly this longer."""

_LONGEST_SECONDS = 30.0


class ContextRefused(GrantlineError):
    """The call did not come through a gateway of ours, or not in time. The message is for the caller."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf a call is made and what of it was agreed.

    `sub`: the person's name at this API, None where the consent has no person here. `fields`: what may be given.
    `resources`: named by the call itself. `ev`: evaluation id, to find the call in the record. `exp`: unix seconds.
    """

    iss: str
    aud: str
    client_id: str
    grant_id: str
    gver: int
    action: str
    datatype: str
    fields: tuple[str, ...]
    resources: tuple[str, ...]
    purpose: str
    ev: str
    mth: str
    ph: str
    pos: tuple[int, int]
    iat: float
    exp: float
    sub: str | None = None


_decode = decoder(Context)


class _Used:
    """Contexts that let a call in here, each for longer than it could be in time. `lives`: seconds."""

    def __init__(self, lives: float, most: int) -> None:
        self._lives, self._most = lives, most
        self._recent: set[tuple[str, str]] = set()
        self._older: set[tuple[str, str]] = set()
        self._since = 0.0

    def use(self, context: Context, now: float) -> None:
        """Use it up; raises `ContextRefused` if it was used before, or cannot be remembered."""
        if now - self._since > self._lives:
            self._older = self._recent if now - self._since <= 2 * self._lives else set()
            self._recent, self._since = set(), now
        name = context.iss, context.ev
        if name in self._recent or name in self._older:
            raise ContextRefused("This call was made before.", detail=f"evaluation {context.ev}")
        if len(self._recent) + len(self._older) >= self._most:
            raise ContextRefused("Too many calls right now; try again.", detail=f"{self._most} contexts are remembered")
        self._recent.add(name)


class ContextVerifier:
    """Holds the gateways' pinned keys of one API, and lets one call in for each context.

    `gateways`: gateway id → its public JWKs (several while a key changes). `audience`: this API's resource
    identifier. `skew_ms` is part of the promise made to people: keep it small, and tell the authority of it.
    `most`: how many contexts are remembered until they have ended; beyond it calls are refused. Each process of an API
    remembers for itself.
    """

    def __init__(
        self, gateways: Mapping[str, Iterable[Mapping[str, Any]]], audience: str, *,
        skew_ms: int = SKEW_MS, clock: Clock | None = None, most: int = 1_000_000,
    ) -> None:  # fmt: skip
        self._keys: dict[str, tuple[str, PublicKey]] = {}
        for gateway, jwks in gateways.items():
            for jwk in jwks:
                key = PublicKey.from_jwk(jwk)
                self._keys[key.kid] = gateway, key
        self._audience = audience
        self._skew = skew_ms / 1_000
        self._clock = clock or SystemClock()
        self._used = _Used(_LONGEST_SECONDS + 2 * self._skew, most)

    def admit(self, values: Iterable[str], method: str, target: str) -> Context:
        """As `verify`, and the context is used up: it lets one call in. Raises `ContextRefused`."""
        context = self.verify(values, method, target)
        self._used.use(context, self._clock.wall_us() / 1_000_000)
        return context

    def verify(self, values: Iterable[str], method: str, target: str) -> Context:
        """The context of a call; raises `ContextRefused`.

        `values`: every value of its `Grantline-Context` header. `target`: raw path with query, as received.
        """
        told = list(values)
        if len(told) != 1:
            raise ContextRefused("Calls reach this API through its gateway only.", detail=f"{len(told)} contexts")
        context = self._read(told[0])
        self._require_in_time(context)
        if context.aud != self._audience:
            raise ContextRefused("The call is meant for another API.", detail=context.aud)
        if (context.mth, context.ph) != (method, b64url(hashlib.sha256(target.encode()).digest())):
            raise ContextRefused("The call is not the one that was allowed.", detail=f"evaluation {context.ev}")
        return context

    def _read(self, text: str) -> Context:
        signers: list[str] = []

        def find(kid: str) -> PublicKey | None:
            gateway, key = self._keys.get(kid, ("", None))
            signers.append(gateway)
            return key

        try:
            context = _decode(verify_jws(text, find, TYP))
        except (InvalidJws, msgspec.MsgspecError) as error:
            raise ContextRefused("Calls reach this API through its gateway only.", detail=str(error)) from error
        if signers != [context.iss]:
            raise ContextRefused("Calls reach this API through its gateway only.", detail=f"{context.iss} by {signers}")
        return context

    def _require_in_time(self, context: Context) -> None:
        now = self._clock.wall_us() / 1_000_000
        if context.exp + self._skew <= now:
            # Nothing may begin after this moment: the person may have been told that it is over.
            raise ContextRefused("The call came too late; try again.", detail=f"ended at {context.exp}, now {now}")
        if context.iat > now + self._skew or context.exp > now + self._skew + _LONGEST_SECONDS:
            raise ContextRefused("The call's context is from the future.", detail=f"made at {context.iat}, now {now}")
