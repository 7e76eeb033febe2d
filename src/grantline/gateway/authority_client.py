"""How a gateway reaches its authority: enrolment, feed, versions, bundle. Proves itself by its instance key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.crypto.instance import instance_token
from grantline.gateway.follower import Connection
from grantline.model.bundle import BundleContent
from grantline.model.calls import CallsGiven, CallsWanted
from grantline.model.clock import Clock
from grantline.model.consent import EnforcedVersion
from grantline.model.errors import GrantlineError
from grantline.model.feed import (
    BUNDLE_PATH,
    CALLS_PATH,
    ENROL_PATH,
    FEED_PATH,
    TOKEN_PATH,
    VERSION_PATH,
    FromAuthority,
    FromGateway,
)
from grantline.model.ids import ConsentId, GatewayId, Randomness
from grantline.model.token import AccessClaims

TIMEOUT_S = 5.0


class EnrolmentRefused(GrantlineError):
    """The token is unknown, used, expired or of another gateway."""


class _Feed:
    """A WebSocket that speaks the feed's messages (text frames of JSON)."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._decoder = msgspec.json.Decoder(FromAuthority)

    async def send(self, message: FromGateway) -> None:
        """One frame."""
        await self._socket.send(msgspec.json.encode(message).decode())

    async def receive(self) -> FromAuthority:
        """The next message."""
        message: FromAuthority = self._decoder.decode(await self._socket.recv())
        return message


class AuthorityClient:
    """One gateway's way to one authority. `base_url`: where it is reached, if not at its issuer."""

    def __init__(
        self,
        issuer: str,
        gateway: GatewayId,
        key: SigningKey,
        clock: Clock,
        randomness: Randomness,
        *,
        base_url: str | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._issuer = issuer
        self._gateway = gateway
        self._key = key
        self._clock = clock
        self._randomness = randomness
        self._base = (base_url or issuer).rstrip("/")
        self._http = http or httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        """Let connections go."""
        await self._http.aclose()

    async def enrol(self, token: str) -> None:
        """Spend a one-time token for this gateway's key. Raises `EnrolmentRefused`."""
        body = {"token": token, "gateway": self._gateway, "jwk": self._key.public.jwk}
        answer = await self._http.post(self._base + ENROL_PATH, json=body)
        if answer.status_code != 201:
            raise EnrolmentRefused("The authority did not enrol this gateway.", detail=answer.text[:200])

    async def version(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        """The enforced version for this gateway; None if there is none for it."""
        answer = await self._get(f"{VERSION_PATH}/{quote(consent, safe='')}/{version}")
        if answer.status_code == 404:
            return None
        return msgspec.json.decode(answer.raise_for_status().content, type=EnforcedVersion)

    async def token(self, digest: bytes) -> AccessClaims | None:
        """What the opaque token with this SHA-256 stands for; None if it is no good at this gateway."""
        answer = await self._get(f"{TOKEN_PATH}/{b64url(digest)}")
        if answer.status_code == 404:
            return None
        return msgspec.json.decode(answer.raise_for_status().content, type=AccessClaims)

    async def calls(self, wanted: CallsWanted) -> int:
        """How many more calls this gateway may admit; 0 when the limit is reached."""
        body, headers = msgspec.json.encode(wanted), {**self._proof(), "Content-Type": "application/json"}
        answer = await self._http.post(self._base + CALLS_PATH, content=body, headers=headers)
        return msgspec.json.decode(answer.raise_for_status().content, type=CallsGiven).calls

    async def bundle(self) -> BundleContent:
        """Keys, catalog, policy and clients' standing."""
        answer = await self._get(BUNDLE_PATH)
        return msgspec.json.decode(answer.raise_for_status().content, type=BundleContent)

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[Connection]:
        """One feed connection."""
        address = "ws" + self._base.removeprefix("http") + FEED_PATH
        async with connect(
            address,
            additional_headers=self._proof(),
            compression=None,
            ping_interval=None,
            proxy=None,
            open_timeout=TIMEOUT_S,
            close_timeout=0.5,
            max_size=4 * 1024 * 1024,
        ) as socket:
            yield _Feed(socket)

    async def _get(self, path: str) -> httpx2.Response:
        return await self._http.get(self._base + path, headers=self._proof())

    def _proof(self) -> dict[str, str]:
        """A new token for each request: the authority takes each `jti` once."""
        token = instance_token(self._key, self._gateway, self._issuer, self._clock, self._randomness)
        return {"Authorization": f"Bearer {token}"}
