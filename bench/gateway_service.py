"""The gateway process under measure: decisions for Envoy and the minimiser, with a durable record, without a feed.

The lease is renewed by a timer and the version comes from memory; everything else is as in production.
Started by bench.gateway, which tells it one folder; it writes there what a client needs.
"""

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from grantline.catalog import load_catalog
from grantline.crypto.es256 import PublicKey, SigningKey
from grantline.crypto.versions import sign_version
from grantline.gateway.adapters.envoy import Questions, serve_envoy
from grantline.gateway.bind import Replays
from grantline.gateway.compiled import Compiled
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.enforce import Gateway, Identity
from grantline.gateway.flights import Flights
from grantline.gateway.lease import Lease
from grantline.gateway.minimiser import Address, Hop, Pending, Upstream, serve, unix_socket
from grantline.gateway.minimiser import Settings as Bounds
from grantline.gateway.spool import Spool
from grantline.gateway.standing import Standing
from grantline.gateway.versions import Versions
from grantline.model.bundle import BundleContent
from grantline.model.clock import SystemClock
from grantline.model.consent import EnforcedVersion, Item
from grantline.model.feed import Marks, Position
from grantline.model.ids import ApiId, ClientId, ConsentId, EvaluationId, GatewayId, PurposeId, SubjectId, TokenId
from grantline.model.token import AccessClaims, Confirmation
from grantline.policy import core_texts
from grantline.sdk.resource_server import ContextVerifier

CATALOG = Path(__file__).parents[1] / "demo" / "catalog.toml"
ISSUER = "http://localhost:8400"
RESOURCE = "https://bank.example/api"
BANK, CLIENT, GRANT, SUBJECT = ApiId("bank"), ClientId("budget"), ConsentId("g_1"), SubjectId("s_1")
NAME = GatewayId("bank")


class Service:
    """The parts, put together once. `folder` holds sockets, spool and what the client is told."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder, self.clock = folder, SystemClock()
        self.issuer, self.instance, self.client = (SigningKey.generate() for _ in range(3))
        self.standing = Standing(self.clock, proxy_timeout_ns=30_000_000_000)
        table = Cutoffs()
        table.start_from(Position(1, 0), bytes(32), Marks())
        self.standing.adopt(table)
        self.lease()
        self.spool = Spool(folder / "spool", self.clock, secrets.token_bytes, most=1_000_000)
        self.gateway = Gateway(
            Identity(NAME, self.instance),
            find=self.find,
            standing=self.standing,
            versions=Versions(self.fetch, self.find, self.clock),
            record=self.spool,
            clock=self.clock,
            randomness=secrets.token_bytes,
            replays=Replays(capacity=1_000_000),
        )
        self.gateway.use(Compiled.of(self.bundle()))
        pending = Pending(time.time)
        self.flights = Flights(self.gateway, pending, self.clock)
        pool = Upstream(Address("127.0.0.1", upstream_port), Bounds())
        self.verifier = ContextVerifier({NAME: [self.instance.public.jwk]}, RESOURCE, skew_ms=0)
        self.hop = Hop(pool, pending, self.own, self.flights.report)

    def own(self, text: str, method: str, target: str) -> EvaluationId:
        return EvaluationId(self.verifier.verify([text], method, target).ev)

    def find(self, kid: str) -> PublicKey | None:
        return self.issuer.public if kid == self.issuer.public.kid else None

    def lease(self) -> None:
        position = self.standing.applied
        assert position is not None
        self.standing.renew(Lease(self.clock.boot_ns() + 2_000_000_000, position))

    def bundle(self) -> BundleContent:
        catalog = load_catalog(CATALOG)
        texts = core_texts(catalog.file.actions)
        return BundleContent(
            issuer=ISSUER, jwks={"keys": [self.issuer.public.jwk]}, catalog=msgspec.to_builtins(catalog.file),
            catalog_hash=catalog.hash, policy=texts.policies, policy_schema=texts.schema, policy_hash=texts.hash,
            clients={CLIENT: "active"},
        )  # fmt: skip

    async def fetch(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        now = int(time.time())
        item = Item(
            type="bank_data", api=BANK, actions=("read",), datatype="transactions",
            fields=("date", "amount", "category", "merchant"), resources=("acc-4821",), purpose=PurposeId("budgeting"),
            locations=(RESOURCE,), lookback_days=180,
        )  # fmt: skip
        return sign_version(
            EnforcedVersion(
                consent_id=consent, version=version, content_hash="0" * 64, client=CLIENT, subject=SUBJECT,
                items=(item,), not_before=now - 9, expires_at=now + 9_999, confirmed_at=now, confirm_every_days=None,
                resource_subjects=((BANK, "holder"),),
            ), self.issuer,
        )  # fmt: skip

    def token(self, *, bound: bool) -> str:
        now = int(time.time())
        claims = AccessClaims(
            iss=ISSUER, aud=(RESOURCE,), sub=SUBJECT, client_id=CLIENT, exp=now + 900, iat=now,
            jti=TokenId(secrets.token_urlsafe(9)), scope="bank.transactions", grant_id=GRANT, gver=1, gep=1,
            seq=Position(1, 0), pur=("budgeting",),
            cnf=Confirmation(self.client.public.thumbprint) if bound else None,
        )  # fmt: skip
        return self.issuer.sign_jws(msgspec.json.encode(claims), "at+jwt")

    async def run(self, base: str) -> None:
        questions = Questions(self.gateway, self.flights, BANK, base)
        asking = await serve_envoy(questions, self.folder / "decide.sock")
        serving = asyncio.create_task(serve(self.hop, unix_socket(self.folder / "minimise.sock"), asyncio.Event()))
        told = {"bearer": self.token(bound=False), "dpop": self.token(bound=True), "key": self.client.to_pem().decode()}
        (self.folder / "told.new").write_text(json.dumps(told))
        (self.folder / "told.new").rename(self.folder / "told.json")
        while asking.is_serving() and not serving.done():
            self.lease()
            await asyncio.sleep(0.25)


async def main() -> None:
    """Arguments: folder, upstream port, external base URL."""
    folder, port, base = sys.argv[1:4]
    await Service(Path(folder), int(port)).run(base)


if __name__ == "__main__":
    uvloop.run(main())
