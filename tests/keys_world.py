"""Signing keys over a real state file; the clock, the custody and the gateways' word in the test's hand."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from grantline.authorization.keys import Changes, Keeping, KeyRow, KeyState, Terms
from grantline.crypto import private_keys
from grantline.crypto.custody.backend import KeyUnavailable
from grantline.crypto.signing import SigningKey
from grantline.model.events import Event, EventType
from grantline.model.feed import Entry
from grantline.model.ids import GatewayId
from grantline.storage.migrations import migrate
from grantline.storage.sql.transaction import SqlTransaction
from grantline.storage.sqlite.database import Database
from tests.feed_world import ManualClock

TERMS = Terms(("ES256",), rotate_every=90 * 86_400, jwks_max_age=600, longest_token=300)


class Clock(ManualClock):
    """Moved by whole lives of keys."""

    def pass_seconds(self, seconds: float) -> None:
        """Both clocks."""
        self.pass_ms(seconds * 1_000)


class Drawer:
    """Custody in memory. `locked`: what is in it cannot be opened."""

    def __init__(self, name: str = "file") -> None:
        self.name = name
        self.held: dict[str, SigningKey] = {}
        self.locked = False

    def create(self, alg: str) -> SigningKey:
        key = private_keys.read(private_keys.generate(alg), alg)
        self.held[key.public.kid] = key
        return key

    def open(self, kid: str, alg: str) -> SigningKey:
        if self.locked or kid not in self.held:
            raise KeyUnavailable(f"The private half of key {kid} is not here.")
        return self.held[kid]

    def destroy(self, kid: str) -> None:
        self.held.pop(kid, None)


class KeysWorld:
    """One authority's keys. `waiting`: gateways that have not said that they hold the next key."""

    def __init__(self, path: Path, terms: Terms = TERMS) -> None:
        migrate(path, "state")
        self.database = Database(path, SqlTransaction)
        self.clock = Clock()
        self.drawer = Drawer()
        self.random = random.Random(1)
        self.terms = terms
        self.waiting: Sequence[GatewayId] | None = ()
        self.keeping = self.process()
        self.changes = Changes(self.clock, self.random.randbytes, terms.verify_for)

    def process(self, *custodies: Drawer) -> Keeping:
        """One more authority process over the same state."""
        held = custodies or (self.drawer,)
        randomness = random.Random(self.random.random()).randbytes
        return Keeping(self.database, held, self.terms, self.clock, randomness, lacking=lambda _kid: self.waiting)

    async def pass_seconds(self, seconds: float) -> None:
        """Time passes, then the process looks."""
        self.clock.pass_seconds(seconds)
        await self.keeping.step()

    async def rows(self, *states: KeyState) -> list[KeyRow]:
        """Keys in these states, or all."""
        found = await self.database.read(lambda tx: tx.signing_keys.all())
        return [row for row in found if not states or row.state in states]

    async def kids(self, *states: KeyState) -> list[str]:
        """Their names."""
        return [row.kid for row in await self.rows(*states)]

    @property
    def signs(self) -> str:
        """The kid that ES256 is signed with here."""
        return self.keeping.ring.for_alg("ES256").public.kid

    @property
    def published(self) -> list[str]:
        """The kids of the JWKS."""
        return [key.kid for key in self.keeping.ring.published]

    async def events(self, kind: EventType = EventType.KEY_ROTATED) -> list[Event]:
        """What was told to the ledger."""

        async def read(tx: SqlTransaction) -> Iterable[bytes]:
            from sqlalchemy import select

            from grantline.storage.schema.shared import OUTBOX
            from grantline.storage.statements import Statement

            statement = Statement(select(OUTBOX.c.body).order_by(OUTBOX.c.seq))
            return [row["body"] for row in await tx._cursor.all(statement)]

        told = [msgspec.json.decode(body, type=Event) for body in await self.database.read(read)]
        return [event for event in told if event.type is kind]

    async def entries(self) -> list[Entry]:
        """What was told to gateways."""
        return [line.entry for line in await self.database.read(lambda tx: tx.gateways.feed.after(0, -1))]
