"""One other OpenID provider: its metadata and keys, kept for a while, and its token endpoint."""

import base64
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from grantline.identity.fetching import Fetch, Unreachable
from grantline.identity.methods import upstream
from grantline.identity.methods.upstream import Account, Discovered, Refused
from grantline.identity.settings import UpstreamSettings
from grantline.model.clock import Clock
from grantline.model.reading import decoded

KEEP_S = 3_600
ASK_KEYS_AGAIN_S = 60
T = dict[str, Any]


class Provider:
    """Asks one provider. `secret`: reads the client secret from its file; None for a public client."""

    def __init__(
        self, settings: UpstreamSettings, fetch: Fetch, clock: Clock, secret: Callable[[], str] | None
    ) -> None:
        self.settings = settings
        self._fetch = fetch
        self._clock = clock
        self._secret = secret
        self._found: tuple[int, Discovered] | None = None
        self._keys: tuple[int, T] | None = None

    async def discovered(self) -> Discovered:
        """Its metadata, at most an hour old. Raises `Unreachable` or `Refused`."""
        if self._found is None or self._found[0] + KEEP_S <= self._now():
            upstream.require_safe(self.settings.issuer, self.settings.issuer)
            body = await self._fetch.get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            self._found = (self._now(), upstream.discovered(body, self.settings))
        return self._found[1]

    async def account(self, answer: Mapping[str, str], *, back: str, verifier: str, nonce: str) -> Account:
        """Who an authorization answer speaks of, after redeeming its code. Raises `Unreachable` or `Refused`."""
        found = await self.discovered()
        form = {
            "grant_type": "authorization_code",
            "code": upstream.code_of(answer, found),
            "redirect_uri": back,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        body = await self._fetch.post(found.token_endpoint, form, self._authorization())
        token = _object(body).get("id_token")
        if not isinstance(token, str):
            raise Refused("the provider gave no ID token")
        return await self._read(token, found, nonce)

    async def _read(self, token: str, found: Discovered, nonce: str) -> Account:
        """A key that is not among those kept may be new: the provider is asked once more, at most once a minute."""
        now = self._now()
        fresh = self._keys is None or self._keys[0] + KEEP_S <= now
        keys = await self._published(found) if fresh or self._keys is None else self._keys[1]
        try:
            return upstream.account_of(token, keys, self.settings, nonce=nonce, now=now)
        except Refused:
            if fresh or self._keys is None or self._keys[0] + ASK_KEYS_AGAIN_S > now:
                raise
        return upstream.account_of(token, await self._published(found), self.settings, nonce=nonce, now=now)

    async def _published(self, found: Discovered) -> T:
        keys = _object(await self._fetch.get(found.jwks_uri))
        self._keys = (self._now(), keys)
        return keys

    def _authorization(self) -> dict[str, str]:
        """`client_secret_basic`, each part form-encoded first (RFC 6749 §2.3.1)."""
        if self._secret is None:
            return {}
        pair = f"{quote(self.settings.client_id, safe='')}:{quote(self._secret(), safe='')}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _now(self) -> int:
        return self._clock.wall_us() // 1_000_000


def _object(body: bytes) -> T:
    try:
        return decoded(body, dict[str, Any])
    except msgspec.DecodeError as error:
        raise Unreachable("the provider did not answer with JSON") from error
