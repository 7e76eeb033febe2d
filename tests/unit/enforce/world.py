"""A gateway of real parts over the demonstration catalog, with clock, randomness and authority in the test's hand."""

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from grantline.catalog import Catalog, load_catalog
from grantline.crypto.dpop import sign_proof
from grantline.crypto.encoding import b64url
from grantline.crypto.es256 import SigningKey
from grantline.crypto.versions import sign_version
from grantline.gateway.bind import Replays
from grantline.gateway.compiled import Compiled
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.enforce import Admitted, Gateway, Identity, Refused
from grantline.gateway.lease import Lease
from grantline.gateway.opaque import OpaqueTokens
from grantline.gateway.spool import Spool
from grantline.gateway.standing import Standing
from grantline.gateway.versions import Versions
from grantline.model.bundle import BundleContent
from grantline.model.consent import EnforcedVersion, Item
from grantline.model.decision import Call, Obligation
from grantline.model.events import Event
from grantline.model.feed import Entry, Kind, Marks, Position
from grantline.model.ids import (
    ApiId,
    ClientId,
    ConsentId,
    FamilyId,
    GatewayId,
    PurposeId,
    SubjectId,
    TokenId,
)  # fmt: skip
from grantline.model.reasons import Reason
from grantline.model.token import OPAQUE_PREFIX, AccessClaims, Confirmation, opaque_digest
from grantline.policy import core_texts
from tests.opaque_world import demanding, opaque_at

CATALOG = Path(__file__).parents[3] / "demo" / "catalog.toml"
NOW = 1_795_435_200  # 2026-11-23T12:00:00Z
DAY = 86_400
ISSUER = "http://localhost:9000"
BASE = "http://127.0.0.1:8443"
BANK = ApiId("bank")
RESOURCE = "https://bank.example/api"
TRANSACTIONS = "/accounts/a1/transactions"


class ManualClock:
    """Both clocks, moved by hand together."""

    def __init__(self) -> None:
        self.us = NOW * 1_000_000
        self.boot = 10**15

    def wall_us(self) -> int:
        return self.us

    def boot_ns(self) -> int:
        return self.boot

    def forward(self, seconds: float) -> None:
        self.us += round(seconds * 1_000_000)
        self.boot += round(seconds * 1_000_000_000)


def transactions_item(**changes: Any) -> Item:
    whole = Item(
        type="bank_data",
        api=BANK,
        actions=("read",),
        datatype="transactions",
        fields=("date", "amount", "category"),
        resources=("a1", "a2"),
        purpose=PurposeId("budgeting"),
        locations=(RESOURCE,),
        lookback_days=180,
    )
    return msgspec.structs.replace(whole, **changes)


def bundle_content(catalog: Catalog, key: SigningKey, **changes: Any) -> BundleContent:
    texts = core_texts(catalog.file.actions)
    whole = BundleContent(
        issuer=ISSUER,
        jwks={"keys": [key.public.jwk]},
        catalog=msgspec.to_builtins(catalog.file),
        catalog_hash=catalog.hash,
        policy=texts.policies,
        policy_schema=texts.schema,
        policy_hash=texts.hash,
        clients={ClientId("pennywise"): "active"},
    )
    return msgspec.structs.replace(whole, **changes)


class World:
    """One gateway before the bank. `version` is what the authority would give; `ends(...)` is what the feed says."""

    def __init__(self, folder: Path, *, seed: int = 1, replays: Replays | None = None, most: int = 10_000) -> None:
        self.clock = ManualClock()
        self.random = random.Random(seed)
        self.issuer = SigningKey.generate()
        self.instance = SigningKey.generate()
        self.client_key = SigningKey.generate()
        self.catalog = load_catalog(CATALOG)
        self.content = bundle_content(self.catalog, self.issuer)
        self.compiled = Compiled.of(self.content)
        self.version = self.agreed()
        self.fetched = 0
        self.kept: dict[bytes, AccessClaims] = {}
        self.asked: list[bytes] = []
        self.away, self.misses = False, 5
        self.numbers = itertools.count(1)
        self.table = Cutoffs()
        self.table.start_from(Position(1, 0), bytes(32), Marks())
        self.standing = Standing(self.clock, proxy_timeout_ns=30_000_000_000)
        self.standing.adopt(self.table)
        self.lease()
        self.spool = Spool(folder / "spool", self.clock, self.random.randbytes, most=most)
        self.gateway = self.start(replays)

    def start(self, replays: Replays | None = None) -> Gateway:
        """A gateway process's mind, as after a start."""
        gateway = Gateway(
            Identity(GatewayId("bank-1"), self.instance),
            find=self.find,
            standing=self.standing,
            versions=Versions(self._fetch, self.find, self.clock),
            record=self.spool,
            clock=self.clock,
            randomness=self.random.randbytes,
            replays=replays,
            opaque=OpaqueTokens(self._resolve, self.clock, misses=self.misses),
        )
        gateway.use(self.compiled)
        return gateway

    def find(self, kid: str) -> Any:
        return self.issuer.public if kid == self.issuer.public.kid else None

    async def _fetch(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        self.fetched += 1
        return self.version if (self.version.consent_id, self.version.version) == (consent, version) else None

    async def _resolve(self, digest: bytes) -> AccessClaims | None:
        """What the authority says of an opaque token, if it can be reached."""
        if self.away:
            raise OSError("no route to the authority")
        self.asked.append(digest)
        return self.kept.get(digest)

    def agreed(self, *items: Item, **changes: Any) -> EnforcedVersion:
        whole = EnforcedVersion(
            consent_id=ConsentId("g_1"),
            version=1,
            content_hash="0" * 64,
            client=ClientId("pennywise"),
            subject=SubjectId("pw_ada"),
            items=items or (transactions_item(),),
            not_before=NOW - DAY,
            expires_at=NOW + 90 * DAY,
            confirmed_at=NOW - DAY,
            confirm_every_days=90,
            resource_subjects=((BANK, "ada"),),
        )
        return sign_version(msgspec.structs.replace(whole, **changes), self.issuer)

    def demand(self, **demand: Any) -> None:
        """From now on every route of the bank asks for this of the sign-in."""
        self.catalog = demanding(self.catalog, BANK, **demand)
        self.content = bundle_content(self.catalog, self.issuer)
        self.gateway.use(Compiled.of(self.content))

    def opaque_only(self) -> None:
        """From now on the bank asks for opaque tokens."""
        self.catalog = opaque_at(BANK)
        self.content = bundle_content(self.catalog, self.issuer)
        self.gateway.use(Compiled.of(self.content))

    # Feed

    def lease(self, seconds: float = 2.0) -> None:
        position = self.standing.applied
        assert position is not None
        self.standing.renew(Lease(self.clock.boot + round(seconds * 1e9), position))

    def ends(self, kind: Kind, name: str, cause: Reason, **bound: Any) -> None:
        """An entry as the feed brings it, applied at once, under a new lease."""
        position = self.standing.applied
        assert position is not None
        entry = Entry(seq=position.seq + 1, kind=kind, id=name, cause=cause.value, until=NOW + DAY, **bound)
        self.standing.apply(1, [entry])
        self.lease()

    # Client

    def claims(self, **changes: Any) -> AccessClaims:
        now = self.clock.us // 1_000_000
        whole = AccessClaims(
            iss=ISSUER,
            aud=(RESOURCE,),
            sub=SubjectId("pw_ada"),
            client_id=ClientId("pennywise"),
            exp=now + 300,
            iat=now,
            jti=TokenId(f"t{next(self.numbers)}"),
            scope="bank.transactions",
            grant_id=ConsentId("g_1"),
            gver=1,
            gep=1,
            seq=Position(1, 0),
            pur=("budgeting",),
            fam=FamilyId("f_1"),
            cnf=Confirmation(self.client_key.public.thumbprint),
        )
        return msgspec.structs.replace(whole, **changes)

    def token(self, *, typ: str = "at+jwt", key: SigningKey | None = None, **changes: Any) -> str:
        payload = msgspec.json.encode(self.claims(**changes))
        return (key or self.issuer).sign_jws(payload, typ)

    def opaque(self, **changes: Any) -> str:
        """A token that says nothing; the authority knows what it stands for."""
        token = OPAQUE_PREFIX + b64url(self.random.randbytes(32))
        digest = opaque_digest(token)
        assert digest is not None
        self.kept[digest] = self.claims(**changes)
        return token

    def nonce(self) -> str:
        return self.gateway._possession.nonces.current(self.clock.us // 1_000_000)

    def proof(self, token: str, url: str = BASE + TRANSACTIONS, **changes: Any) -> str:
        now = self.clock.us // 1_000_000
        told: dict[str, Any] = {"jti": f"j{next(self.numbers)}", "iat": now, "nonce": self.nonce()}
        told |= {"access_token": token} | changes
        key = told.pop("key", self.client_key)
        return sign_proof(key, told.pop("method", "GET"), url, **told)

    def call(self, target: str = TRANSACTIONS, **headers: str | tuple[str, ...] | None) -> Call:
        """A call with a fresh bound token and proof, unless a header says otherwise (None: without it)."""
        parts = urlsplit(target)
        told: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
        method = told.pop("method", "GET")
        api, x5t = told.pop("api", BANK), told.pop("x5t", None)
        if "authorization" not in told:
            told["authorization"] = f"DPoP {self.token()}"
        if "dpop" not in told and told["authorization"] is not None and isinstance(told["authorization"], str):
            scheme, _, token = told["authorization"].partition(" ")
            told["dpop"] = self.proof(token, BASE + parts.path, method=method) if scheme == "DPoP" else None
        values = {name: value if isinstance(value, tuple) else (value,) for name, value in told.items() if value}
        return Call(method, parts.path, parts.query, BASE + parts.path, values, api, frozenset(Obligation), x5t)

    async def decide(self, target: str = TRANSACTIONS, **headers: Any) -> Admitted | Refused:
        return await self.gateway.decide(self.call(target, **headers))

    # Record

    async def events(self) -> list[Event]:
        """Everything durable so far (waits for outcomes under way)."""
        for _ in range(1_000):
            if self.spool._outstanding == 0:
                break
            await asyncio.sleep(0.001)
        raws = [kept.raw for kept in self.spool.undelivered(1_000_000)]
        return [msgspec.convert(orjson.loads(raw)["event"], Event) for raw in raws]
