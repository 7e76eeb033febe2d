"""Keeps the keys of one authority process: reads what stands, does what is due, holds the ring up to date."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from grantline.authorization.keys.changes import GATEWAYS, Changes, Overtaken
from grantline.authorization.keys.life import Activate, Due, Introduce, Publish, Remove, Retire, Terms, due
from grantline.authorization.keys.ring import KeyRing, KeySet
from grantline.authorization.keys.store import KeyRow, KeyState, Transaction
from grantline.crypto.custody.backend import Custody, KeyUnavailable
from grantline.crypto.signing import SigningKey
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, InvalidConfiguration
from grantline.model.ids import GatewayId, Randomness
from grantline.model.ports import Work

LOOK_EVERY_S = 0.25
_log = structlog.get_logger("grantline.keys")

Lacking = Callable[[str], Sequence[GatewayId] | None]
"""Gateways that may admit calls and have not said that they hold this key; None: not for this process to say."""


class Keeping:
    """`custodies`: all that hold keys, by name; new keys are made in the first. `ring` is what everybody signs with.

    `lacking` is asked before a key that gateways need begins to sign.
    """

    def __init__(
        self,
        work: Work[Transaction],
        custodies: Sequence[Custody],
        terms: Terms,
        clock: Clock,
        randomness: Randomness,
        *,
        lacking: Lacking = lambda _kid: None,
    ) -> None:
        self._work, self._clock, self._terms = work, clock, terms
        self._custodies: Mapping[str, Custody] = {one.name: one for one in custodies}
        self._making = custodies[0]
        self._changes = Changes(clock, randomness, terms.verify_for)
        self.lacking = lacking
        self._rows: tuple[KeyRow, ...] = ()
        self._open: dict[str, SigningKey] = {}
        self._told: set[str] = set()
        self.ring = KeyRing(KeySet({}, ()))

    async def start(self) -> None:
        """Have a key for every algorithm; raises `InvalidConfiguration` if one that signs cannot be opened."""
        await self.step()
        missing = [alg for alg in self._terms.algorithms if alg not in self.ring.algorithms]
        if missing:
            raise InvalidConfiguration(
                f"There is no private key at hand for {', '.join(missing)}; grantline keys list says where each one is."
            )

    async def run(self) -> None:
        """Until cancelled. What fails is tried again; meanwhile the keys that stand go on."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.step()
            except AuditUnavailable as error:
                _log.warning("keys_not_kept", detail=error.detail)
            except Exception:
                _log.exception("keys_not_kept")

    async def step(self) -> None:
        """Look, and do what is due until nothing is."""
        await self.look()
        acts = self._due()
        for act in acts:
            with suppress(Overtaken):
                await self._do(act)
        if acts:
            await self.look()

    async def look(self) -> None:
        """Read what stands; other processes change it too."""
        rows = await self._work.read(lambda tx: tx.signing_keys.all())
        if rows == self._rows and all(row.kid in self._open for row in rows if row.state in _LOADED):
            return
        for row in rows:
            if row.state in _LOADED and row.kid not in self._open:
                await self._load(row)
        live = {row.kid for row in rows if row.state in _LOADED}
        self._open = {kid: key for kid, key in self._open.items() if kid in live}
        self.ring.keys = KeySet.of_rows(rows, self._signing(rows))
        self._rows = rows

    def _signing(self, rows: Sequence[KeyRow]) -> dict[str, SigningKey]:
        """By algorithm; where this process cannot open the active key, the former one goes on while it verifies."""
        signing: dict[str, SigningKey] = {}
        for row in rows:
            if row.state is not KeyState.ACTIVE:
                continue
            held, former = self._open.get(row.kid), self.ring.keys.signing.get(row.alg)
            verifies = {one.kid for one in rows if one.state is KeyState.RETIRED}
            if held is not None:
                signing[row.alg] = held
            elif former is not None and former.public.kid in verifies:
                signing[row.alg] = former
        return signing

    async def _load(self, row: KeyRow) -> None:
        custody = self._custodies.get(row.custody)
        try:
            if custody is None:
                raise KeyUnavailable(f"Key {row.kid} is in custody {row.custody!r}, which is not set up here.")
            self._open[row.kid] = await asyncio.to_thread(custody.open, row.kid, row.alg)
        except KeyUnavailable as error:
            if row.kid not in self._told:
                _log.error("key_unreachable", kid=row.kid, state=row.state.value, reason=error.message)
            self._told.add(row.kid)

    def _due(self) -> list[Due]:
        acts = due(self._rows, self._terms, self._clock.wall_us() // 1_000_000)
        return [act for act in acts if not isinstance(act, Activate) or self._may_sign(act)]

    def _may_sign(self, act: Activate) -> bool:
        """Not before every gateway that may admit a call has the key; nor with a key that is not at hand here."""
        kid = act.key.kid
        if kid not in self._open:
            return False
        if act.key.alg != GATEWAYS or act.former is None:
            return True
        lacking = self.lacking(kid)
        if lacking and kid not in self._told:
            self._told.add(kid)
            _log.warning("key_waits_for_gateways", kid=kid, gateways=list(lacking))
        return lacking is not None and not lacking

    async def _do(self, act: Due) -> None:
        changes = self._changes
        match act:
            case Introduce(alg):
                await self._make(alg, changes.introduce)
            case Publish(alg):
                await self._make(alg, changes.publish)
            case Activate(key, former):
                await self._work.write(lambda tx: changes.activate(tx, key, former))
            case Retire(key):
                await self._work.write(lambda tx: changes.retire(tx, key))
            case Remove(key):
                await self._work.write(lambda tx: changes.remove(tx, key))
                await self._destroy(key)

    async def _make(self, alg: str, keep: Callable[[Transaction, SigningKey, str], Awaitable[None]]) -> None:
        """A key is in custody before the database names it; one that lost the race is destroyed again."""
        key = await asyncio.to_thread(self._making.create, alg)
        try:
            await self._work.write(lambda tx: keep(tx, key, self._making.name))
        except Overtaken:
            await asyncio.to_thread(self._making.destroy, key.public.kid)
            raise

    async def _destroy(self, key: KeyRow) -> None:
        custody = self._custodies.get(key.custody)
        if custody is not None:
            await asyncio.to_thread(custody.destroy, key.kid)


_LOADED = (KeyState.ACTIVE, KeyState.PUBLISHED)
