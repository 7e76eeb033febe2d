"""A real gateway over a real authority in one process: its tokens, versions and feed, without a network between."""

import itertools
import random
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from grantline.authorization import token_for
from grantline.consent import calls, enforced
from grantline.crypto.dpop import sign_proof
from grantline.crypto.es256 import SigningKey
from grantline.gateway.adapters.asgi import Enforced
from grantline.gateway.calls import Calls
from grantline.gateway.compiled import Compiled
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.enforce import Gateway, Identity
from grantline.gateway.lease import Lease
from grantline.gateway.opaque import OpaqueTokens
from grantline.gateway.spool import Spool
from grantline.gateway.standing import Standing
from grantline.gateway.versions import Versions
from grantline.model.bundle import BundleContent
from grantline.model.calls import CallsWanted
from grantline.model.consent import EnforcedVersion
from grantline.model.feed import Entry, Marks, Position
from grantline.model.ids import ApiId, ConsentId, GatewayId
from grantline.policy import core_texts
from tests.authorization_world import ISSUER, World

BASE = "http://127.0.0.1:8443"
API, NAME = ApiId("calendar"), GatewayId("calendar")


async def _calendar(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"events": []}'})


class AtGateway:
    """The calendar behind the ASGI adapter. `follow` applies what the authority's feed says by now."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, clock, draw = world, world.clock, random.Random(1).randbytes
        self._numbers = itertools.count(1)
        self._table = Cutoffs()
        self._table.start_from(Position(1, 0), bytes(32), Marks())
        self.standing = Standing(clock)
        self.standing.adopt(self._table)
        self.spool = Spool(folder / "spool", clock, draw)
        find = world.server.keys.find
        self.gateway = Gateway(
            Identity(NAME, SigningKey.generate()), find=find, standing=self.standing,
            versions=Versions(self._version, find, clock), record=self.spool, clock=clock, randomness=draw,
            calls=Calls(self._calls, clock),
            opaque=OpaqueTokens(lambda digest: token_for(world.server, NAME, digest), clock, misses=50),
        )  # fmt: skip
        self._app = Enforced(_calendar, self.gateway, API, BASE)

    async def follow(self) -> None:
        """Everything of the feed, a new lease, and the clients as they are registered."""
        entries = [msgspec.convert(one, Entry) for one in await self.world.feed()]
        self.standing.apply(1, entries)
        assert self.standing.applied is not None
        self.standing.renew(Lease(self.world.clock.boot_ns() + 2_000_000_000, self.standing.applied))
        clients = await self.world.database.read(lambda tx: tx.clients.all())
        catalog, texts = self.world.server.catalog(), core_texts(self.world.server.catalog().file.actions)
        self.gateway.use(
            Compiled.of(
                BundleContent(
                    issuer=ISSUER, jwks={}, catalog=msgspec.to_builtins(catalog.file), catalog_hash=catalog.hash,
                    policy=texts.policies, policy_schema=texts.schema, policy_hash=texts.hash,
                    clients={one.client_id: one.status.value for one in clients},
                )
            )
        )  # fmt: skip

    async def get(self, token: str, key: SigningKey | None = None) -> httpx2.Response:
        """One call of the calendar with this token, proven by `key` if there is one."""
        await self.follow()
        now = self.world.server.now()
        nonce = self.gateway._possession.nonces.current(now)
        headers = {"authorization": f"{'DPoP' if key else 'Bearer'} {token}"}
        if key is not None:
            jti = str(next(self._numbers))
            headers["dpop"] = sign_proof(
                key, "GET", f"{BASE}/events", jti=jti, iat=now, nonce=nonce, access_token=token
            )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self._app), base_url=BASE) as http:
            return await http.get("/events", headers=headers)

    async def _calls(self, wanted: CallsWanted) -> int:
        return await self.world.database.write(lambda tx: calls.give(tx, wanted))  # type: ignore[arg-type]

    async def _version(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        found = await self.world.database.read(
            lambda tx: enforced.enforced(tx, consent=consent, version=version, apis=(API,))  # type: ignore[arg-type]
        )
        return None if found is None else enforced.sign(found, self.world.server.keys.signing)
