"""Asks an API, through its gateway, what a person may share: a call like any other, under the operator's consent."""

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import httpx2
import msgspec

from grantline.authorization import operator
from grantline.authorization.events import issued
from grantline.authorization.server import Server
from grantline.authorization.steps.policy import forbidden
from grantline.authorization.store import Transaction
from grantline.authorization.tokens import access
from grantline.consent import ResourceChoice
from grantline.model.errors import TemporarilyUnavailable
from grantline.model.events import EventType
from grantline.model.ids import ApiId
from grantline.model.reading import decoded
from grantline.model.token import AccessClaims

TIMEOUT_S = 5.0
PAUSES_S = (0.1, 0.3, 0.6, 1.0)
LARGEST = 256 * 1024
MOST = 500
_LEFT_S = 30
"""A kept token must be good for at least so long."""


class _Listed(msgspec.Struct, frozen=True):
    id: str
    label: str
    available: bool = True
    note: str | None = None
    reason: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    resources: tuple[_Listed, ...]


class GatewayResourceLists:
    """Implements `ResourceLists`. `server` is asked for late, because the server itself holds this.

    `addresses`: base URL of each API as its gateway serves it; the catalog's `address` otherwise.
    """

    def __init__(
        self, server: Callable[[], Server], http: httpx2.AsyncClient, addresses: dict[ApiId, str] | None = None
    ) -> None:
        self._server = server
        self._http = http
        self._addresses = addresses or {}
        self._tokens: dict[ApiId, tuple[str, int]] = {}

    async def of(self, api: ApiId, owner: str) -> tuple[ResourceChoice, ...]:
        """What `owner` may share there; nothing of it is kept beyond the request that asked."""
        entry = self._server().catalog().api(api)
        address = self._addresses.get(api) or entry.address
        if entry.resource_list is None or address is None:
            raise _unavailable(f"{api} has no resource list or no address")
        url = address.rstrip("/") + entry.resource_list.path.replace("{owner}", quote(owner, safe=""))
        response = await self._ask(api, url)
        if response.status_code != 200 or len(response.content) > LARGEST:
            self._tokens.pop(api, None)
            raise _unavailable(f"{api} answered {response.status_code}: {response.text[:300]}")
        return _read(api, response.content)

    async def _ask(self, api: ApiId, url: str) -> httpx2.Response:
        """The gateway's answer. One that has only just started has no lease for a moment (503): it is asked again."""
        headers = {"authorization": f"Bearer {await self._token(api)}", "accept-encoding": "identity"}
        for pause in (*PAUSES_S, None):
            try:
                response = await self._http.get(url, headers=headers, timeout=TIMEOUT_S, follow_redirects=False)
            except httpx2.HTTPError as error:
                raise _unavailable(f"{api}: {error}") from error
            if response.status_code != 503 or pause is None:
                break
            await asyncio.sleep(pause)
        return response

    async def _token(self, api: ApiId) -> str:
        """An access token on the operator's consent for this API, kept while it lasts."""
        server = self._server()
        kept = self._tokens.get(api)
        if kept is not None and kept[1] - server.now() > _LEFT_S:
            return kept[0]
        claims = await server.work.write(lambda tx: _mint(server, tx, api))
        token = access.sign(server, claims)
        self._tokens[api] = (token, claims.exp)
        return token


async def _mint(server: Server, tx: Transaction, api: ApiId) -> AccessClaims:
    position = await tx.feed.position()
    stands = await operator.find(server, tx, api)
    if stands is None:
        raise _unavailable(f"the operator gave no consent for {api}; run grantline apply")
    resources = (server.catalog().api(api).resource,)
    if forbidden(server, stands, stands.version.granted) is not None:
        raise _unavailable(f"policy forbids the operator's consent for {api}")
    wanted = access.Wanted(stands=stands, position=position, scope="", resources=resources, family=None, cnf=None)
    claims = access.draft(server, wanted)
    await tx.outbox.append(issued(server, EventType.TOKEN_ISSUED, stands, claims))
    return claims


def _read(api: ApiId, body: bytes) -> tuple[ResourceChoice, ...]:
    try:
        listed = decoded(body, _Answer).resources
    except msgspec.MsgspecError as error:
        raise _unavailable(f"{api} answered something else: {error}") from error
    if len(listed) > MOST or len({one.id for one in listed}) != len(listed):
        raise _unavailable(f"{api} listed too much, or a thing twice")
    return tuple(ResourceChoice(one.id, one.label, one.note, one.available, one.reason) for one in listed)


def _unavailable(detail: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable("What you could share cannot be listed right now.", detail=detail)
