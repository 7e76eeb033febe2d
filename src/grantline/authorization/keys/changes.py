"""The steps of a key's life as units of work: state, feed entry and event in one transaction, or nothing at all."""

from dataclasses import dataclass

from msgspec.structs import replace

from grantline.authorization.keys.store import KeyRow, KeyState, Transaction
from grantline.crypto.signing import SigningKey
from grantline.model.clock import Clock
from grantline.model.errors import Conflict, NotFound
from grantline.model.events import Event, EventType
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import Randomness, event_id
from grantline.model.reasons import Reason

KEPT_S = 86_400
"""How long gateways keep the entry: by then each has the JWKS without the key, and refuses its tokens as unknown."""
PUBLISHED, RETIRED = "key_published", "key_retired"
"""Causes of entries that only say: fetch the bundle again."""
GATEWAYS = "ES256"
"""The algorithm of access tokens and versions: the only keys that gateways hold."""


class Overtaken(Exception):
    """Another process has changed this key meanwhile; nothing was done."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What may happen to keys, now. `verify_for`: seconds for which a key verifies after it has ceased to sign."""

    clock: Clock
    randomness: Randomness
    verify_for: int

    async def introduce(self, tx: Transaction, key: SigningKey, custody: str) -> None:
        """Keep a key that signs at once. Raises `Overtaken` if its algorithm has one."""
        now = self._now()
        row = replace(_new(key, custody, now), state=KeyState.ACTIVE, active_at=now)
        await self._add(tx, row)

    async def publish(self, tx: Transaction, key: SigningKey, custody: str) -> None:
        """Keep a key that is only shown. Raises `Overtaken` if its algorithm has one waiting."""
        await self._add(tx, _new(key, custody, self._now()))
        await self._tell_gateways(tx, key.public.alg, key.public.kid, PUBLISHED)

    async def activate(self, tx: Transaction, key: KeyRow, former: KeyRow | None) -> None:
        """From now on `key` signs and `former` only verifies. Raises `Overtaken`."""
        if former is not None:
            await self.retire(tx, former)
        await self._move(tx, replace(key, state=KeyState.ACTIVE, active_at=self._now()), key.state)

    async def retire(self, tx: Transaction, key: KeyRow) -> None:
        """From now on `key` only verifies, until what it signed has expired. Raises `Overtaken`."""
        now = self._now()
        until = now + self.verify_for
        await self._move(tx, replace(key, state=KeyState.RETIRED, retired_at=now, verifies_until=until), key.state)

    async def remove(self, tx: Transaction, key: KeyRow) -> None:
        """From now on `key` is in no JWKS. Raises `Overtaken`."""
        await self._move(tx, replace(key, state=KeyState.GONE, gone_at=self._now()), key.state)
        await self._tell_gateways(tx, key.alg, key.kid, RETIRED)

    async def compromised(self, tx: Transaction, kid: str, fresh: SigningKey | None, custody: str) -> KeyRow | None:
        """Cut `kid` off: it signs and verifies nothing any more, here at once and at gateways with the feed's entry.

        If it was the one that signed, the key that waited takes its place, or else `fresh`, at once; returned is the
        row of the key that signs now, None where that did not change. Raises `NotFound`, and `Conflict` if it is gone.
        """
        rows = await tx.signing_keys.all()
        key = next((row for row in rows if row.kid == kid), None)
        if key is None:
            raise NotFound(f"There is no signing key {kid}.")
        if key.state is KeyState.GONE:
            raise Conflict(f"Key {kid} is gone already: nothing that it signed is accepted.")
        gone = replace(key, state=KeyState.GONE, gone_at=self._now(), compromised=True)
        await self._move(tx, gone, key.state, Reason.KEY_COMPROMISED)
        until = self._now() + KEPT_S
        entry = NewEntry(kind=Kind.KEY, id=kid, cause=Reason.KEY_COMPROMISED, until=until, cut_off=True)
        await tx.feed.append(entry)
        await tx.outbox.append(self._finding(key))
        return None if key.state is not KeyState.ACTIVE else await self._succeed(tx, rows, key, fresh, custody)

    async def _succeed(
        self, tx: Transaction, rows: tuple[KeyRow, ...], key: KeyRow, fresh: SigningKey | None, custody: str
    ) -> KeyRow:
        """Gateways may hold the waiting key already, so it comes first."""
        waiting = next((row for row in rows if row.alg == key.alg and row.state is KeyState.PUBLISHED), None)
        now = self._now()
        if waiting is not None:
            row = replace(waiting, state=KeyState.ACTIVE, active_at=now)
            await self._move(tx, row, KeyState.PUBLISHED)
            return row
        if fresh is None:
            raise Overtaken(f"key {key.kid} signs, and no other is at hand")
        row = replace(_new(fresh, custody, now), state=KeyState.ACTIVE, active_at=now)
        await self._add(tx, row)
        return row

    async def _add(self, tx: Transaction, row: KeyRow) -> None:
        if not await tx.signing_keys.add(row):
            raise Overtaken(f"{row.alg} has a key that is {row.state.value}")
        await tx.outbox.append(self._event(row))

    async def _move(self, tx: Transaction, row: KeyRow, before: KeyState, reason: str | None = None) -> None:
        if not await tx.signing_keys.move(row, before):
            raise Overtaken(f"key {row.kid} is not {before.value} any more")
        await tx.outbox.append(self._event(row, reason))

    async def _tell_gateways(self, tx: Transaction, alg: str, kid: str, cause: str) -> None:
        if alg == GATEWAYS:
            await tx.feed.append(NewEntry(kind=Kind.KEY, id=kid, cause=cause, until=self._now() + KEPT_S))

    def _event(self, row: KeyRow, reason: str | None = None) -> Event:
        now = self.clock.wall_us()
        told: dict[str, object] = {"kid": row.kid, "alg": row.alg, "state": row.state.value, "jwk": dict(row.jwk)}
        return Event(
            event_id=event_id(self.randomness, now),
            type=EventType.KEY_ROTATED,
            t=now,
            act=_ACTS[row.state],
            res="key",
            out="permit",
            rsn=reason,
            detail={**told, "custody": row.custody, "verifies_until": row.verifies_until},
        )

    def _finding(self, row: KeyRow) -> Event:
        now = self.clock.wall_us()
        return Event(
            event_id=event_id(self.randomness, now),
            type=EventType.FINDING,
            t=now,
            act="raise",
            res="finding",
            out="error",
            rsn=Reason.KEY_COMPROMISED,
            detail={"kid": row.kid, "alg": row.alg, "state": row.state.value, "active_at": row.active_at},
        )

    def _now(self) -> int:
        return self.clock.wall_us() // 1_000_000


_ACTS = {
    KeyState.PUBLISHED: "publish",
    KeyState.ACTIVE: "activate",
    KeyState.RETIRED: "retire",
    KeyState.GONE: "remove",
}


def _new(key: SigningKey, custody: str, now: int) -> KeyRow:
    return KeyRow(
        kid=key.public.kid,
        alg=key.public.alg,
        state=KeyState.PUBLISHED,
        custody=custody,
        jwk=dict(key.public.jwk),
        published_at=now,
    )
