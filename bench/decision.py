"""How long a decision takes, without the wait for its record: bearer and DPoP, warm and first.

    python -m bench.decision [--calls 5000]

Prints {"decision": {series: {"n", "p50", "p99", "max"}}} in milliseconds. Every part is the real one (token and proof
verification, feed tables, catalog, Cedar, signed context); the record is taken to be durable at once, because its sync
is measured by itself. Warm: one client with one token asks the same each second, so that nothing is new but the time.
Again: the same within one second. First: token, version and proof key were never seen before.
"""

import argparse
import asyncio
import itertools
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.rows import Row, Rows
from bench.statistic import median, percentile
from grantline.catalog import load_catalog
from grantline.crypto.dpop import sign_proof
from grantline.crypto.es256 import SigningKey
from grantline.crypto.versions import sign_version
from grantline.gateway.bind import Replays
from grantline.gateway.compiled import Compiled
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.enforce import Admitted, Gateway, Identity
from grantline.gateway.lease import Lease
from grantline.gateway.standing import Standing
from grantline.gateway.versions import Versions
from grantline.model.bundle import BundleContent
from grantline.model.clock import SystemClock
from grantline.model.consent import EnforcedVersion, Item
from grantline.model.decision import Call, Obligation
from grantline.model.events import Event
from grantline.model.feed import Entry, Kind, Marks, Position
from grantline.model.ids import ApiId, ClientId, ConsentId, GatewayId, PurposeId, SubjectId, TokenId
from grantline.model.token import AccessClaims, Confirmation
from grantline.policy import core_texts

ROOT = Path(__file__).parent.parent
BANK, RESOURCE, ISSUER = ApiId("bank"), "https://bank.example/api", "http://localhost:9000"
BASE = "http://127.0.0.1:8443"
NAME = "decision"
FULL = ("--calls", "4000")
QUICK = ("--calls", "50")
BOUNDS = {"dpop warm": {"p50": 0.4, "p99": 2.0}}
"""Milliseconds, as ARCHITECTURE.md states them."""
ENDED = 200
PATH, QUERY = "/accounts/a1/transactions", "fields=date,amount"


def ended(number: int) -> Entry:
    """Somebody else's consent that ended lately: a table that is looked through is not empty."""
    return Entry(seq=number, kind=Kind.GRANT, id=f"other_{number}", min_epoch=2, until=2**40, cause="grant_withdrawn")


class AtOnce:
    """A record that is durable at once; what an event costs to make is still paid."""

    def append(self, event: Event, *, outcome: bool = False) -> asyncio.Future[int]:  # noqa: ARG002
        """Encodes, as the spool does on this thread."""
        msgspec.json.encode(event)
        done = asyncio.get_running_loop().create_future()
        done.set_result(1)
        return done


class Ahead(SystemClock):
    """The machine's clock, so many seconds on."""

    seconds = 0

    def wall_us(self) -> int:
        return super().wall_us() + self.seconds * 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, and how far ahead the clock is when it is made."""

    call: Call
    ahead: int


class Bench:
    """One gateway, and as many consents, tokens and proofs as a series needs."""

    def __init__(self) -> None:
        self.clock = Ahead()
        self.issuer, self.instance = SigningKey.generate(), SigningKey.generate()
        self.versions: dict[str, EnforcedVersion] = {}
        self.numbers = itertools.count(1)
        catalog = load_catalog(ROOT / "demo" / "catalog.toml")
        texts = core_texts(catalog.file.actions)
        content = BundleContent(
            issuer=ISSUER, jwks={"keys": []}, catalog=msgspec.to_builtins(catalog.file), catalog_hash=catalog.hash,
            policy=texts.policies, policy_schema=texts.schema, policy_hash=texts.hash,
            clients={ClientId("app"): "active"},
        )  # fmt: skip
        table = Cutoffs()
        table.start_from(Position(1, 0), bytes(32), Marks())
        table.apply(1, (ended(number) for number in range(1, ENDED + 1)))
        standing = Standing(self.clock, proxy_timeout_ns=1)
        standing.adopt(table)
        standing.renew(Lease(self.clock.boot_ns() + 3_600_000_000_000, Position(1, ENDED)))
        self.gateway = Gateway(
            Identity(GatewayId("bank-1"), self.instance), find=self._find, standing=standing,
            versions=Versions(self._fetch, self._find, self.clock), record=AtOnce(), clock=self.clock,
            randomness=secrets.token_bytes, replays=Replays(capacity=1_000_000),
        )  # fmt: skip
        self.gateway.use(Compiled.of(content))

    def _find(self, kid: str) -> Any:
        return self.issuer.public if kid == self.issuer.public.kid else None

    async def _fetch(self, consent: ConsentId, _version: int) -> EnforcedVersion | None:
        return self.versions.get(consent)

    def consent(self) -> ConsentId:
        """A new consent at the authority."""
        now, consent = int(time.time()), ConsentId(f"g_{next(self.numbers)}")
        item = Item(
            type="bank_data", api=BANK, actions=("read",), datatype="transactions",
            fields=("date", "amount", "category"), resources=("a1", "a2"), purpose=PurposeId("budgeting"),
            locations=(RESOURCE,), lookback_days=180,
        )  # fmt: skip
        version = EnforcedVersion(
            consent_id=consent, version=1, content_hash=secrets.token_hex(32), client=ClientId("app"),
            subject=SubjectId("pw_1"), items=(item,), not_before=now - 60, expires_at=now + 86_400, confirmed_at=now,
            confirm_every_days=90, resource_subjects=((BANK, "ada"),),
        )  # fmt: skip
        self.versions[consent] = sign_version(version, self.issuer)
        return consent

    def token(self, consent: ConsentId, key: SigningKey | None) -> str:
        """An access token of this consent, bound to `key` if there is one."""
        now = int(time.time())
        claims = AccessClaims(
            iss=ISSUER, aud=(RESOURCE,), sub=SubjectId("pw_1"), client_id=ClientId("app"), exp=now + 80_000, iat=now,
            jti=TokenId(secrets.token_urlsafe(16)), scope="bank.transactions", grant_id=consent, gver=1, gep=1,
            seq=Position(1, 0), pur=("budgeting",), cnf=Confirmation(key.public.thumbprint) if key else None,
        )  # fmt: skip
        return self.issuer.sign_jws(msgspec.json.encode(claims), "at+jwt")

    def call(self, token: str, key: SigningKey | None, ahead: int) -> Asked:
        """A call with this token, and a fresh proof if it is bound."""
        headers: dict[str, tuple[str, ...]] = {"authorization": (f"{'DPoP' if key else 'Bearer'} {token}",)}
        if key is not None:
            now = int(time.time()) + ahead
            nonce = self.gateway._possession.nonces.current(now)
            proof = sign_proof(
                key, "GET", BASE + PATH, jti=secrets.token_urlsafe(12), iat=now, access_token=token, nonce=nonce
            )
            headers["dpop"] = (proof,)
        return Asked(Call("GET", PATH, QUERY, BASE + PATH, headers, BANK, frozenset(Obligation)), ahead)

    def warm(self, count: int, *, bound: bool, apart: int) -> list[Asked]:
        """Calls of one client with one token, so many seconds apart, as in the middle of its work."""
        key = SigningKey.generate() if bound else None
        token = self.token(self.consent(), key)
        return [self.call(token, key, number * apart) for number in range(count)]

    def first(self, count: int, *, bound: bool) -> list[Asked]:
        """Calls that each bring a consent, a token and a key never seen before."""
        calls = []
        for _ in range(count):
            key = SigningKey.generate() if bound else None
            calls.append(self.call(self.token(self.consent(), key), key, 0))
        return calls

    async def time(self, calls: list[Asked]) -> list[float]:
        """Milliseconds of each decision; all of them must be admitted."""
        taken = []
        for asked in calls:
            self.clock.seconds = asked.ahead
            began = time.perf_counter()
            answer = await self.gateway.decide(asked.call)
            taken.append((time.perf_counter() - began) * 1_000)
            if not isinstance(answer, Admitted):
                raise SystemExit(f"refused: {answer.deny.because} {answer.deny.detail}")
            answer.departure.ended()
        return taken


def summary(taken: list[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    return {"n": len(taken), "p50": percentile(taken, 50), "p99": percentile(taken, 99), "max": max(taken)}


async def run(calls: int) -> dict[str, dict[str, float]]:
    """All series on one gateway."""
    bench = Bench()
    await bench.time(bench.warm(200, bound=True, apart=0))
    series = {
        "bearer first": lambda: bench.first(calls // 5, bound=False),
        "dpop first": lambda: bench.first(calls // 5, bound=True),
        "bearer warm": lambda: bench.warm(calls, bound=False, apart=1),
        "dpop warm": lambda: bench.warm(calls, bound=True, apart=1),
        "dpop again": lambda: bench.warm(calls, bound=True, apart=0),
    }
    # Made just before they are timed: a proof and its nonce are good for a minute or so.
    return {name: summary(await bench.time(made())) for name, made in series.items()}


def rows(samples: list[dict[str, dict[str, float]]]) -> list[Row]:
    """Medians over the samples."""
    found = Rows(NAME)
    for name in samples[0]:
        for which in ("p50", "p99"):
            value = median([sample[name][which] for sample in samples])
            found.add(name, which, value, "ms", most=BOUNDS.get(name, {}).get(which))
    return found.all


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--directory", type=Path, help="Not used: nothing is written.")
    print(json.dumps({NAME: asyncio.run(run(parser.parse_args().calls))}))


if __name__ == "__main__":
    main()
