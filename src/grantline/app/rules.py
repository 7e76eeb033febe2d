"""The catalog and policy in force: read from their files, announced on the feed when they change."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from grantline.app.places import Places
from grantline.app.state import WakingWork
from grantline.catalog import Catalog, load_catalog
from grantline.crypto.signing import PublicKey
from grantline.model.bundle import BundleContent
from grantline.model.clock import Clock
from grantline.model.errors import AuditUnavailable, InvalidConfiguration
from grantline.model.feed import Kind, NewEntry
from grantline.model.ids import GatewayId
from grantline.policy import Decider, Policies, core_texts, data_entity
from grantline.storage.sql.transaction import SqlTransaction

LOOK_EVERY_S = 1.0
ALL = -1
KEPT_S = 3_600
_Seen = tuple[int, int] | None
"""By what a file's change is noticed; None: there is none."""
_log = structlog.get_logger("grantline.app")


class Rules:
    """What gateways and screens go by at this moment."""

    def __init__(self, places: Places, work: WakingWork, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._work = work
        self._seen: tuple[_Seen, _Seen] | None = None
        self._catalog: Catalog | None = None
        self._decider: Decider | None = None
        self._listeners: list[Callable[[Catalog], Awaitable[object]]] = []

    def on_change(self, listener: Callable[[Catalog], Awaitable[object]]) -> None:
        """Call `listener` with each catalog that came into force."""
        self._listeners.append(listener)

    def catalog(self) -> Catalog:
        """The catalog in force; raises `InvalidConfiguration` before one was applied."""
        if self._catalog is None:
            raise InvalidConfiguration("There is no catalog yet; run: grantline apply -f FILE")
        return self._catalog

    def decider(self) -> Decider:
        """The policy in force, as every gateway has it; raises `InvalidConfiguration` before a catalog was applied."""
        if self._decider is None:
            raise InvalidConfiguration("There is no policy yet; run: grantline apply -f FILE")
        return self._decider

    async def look(self) -> None:
        """Read the files if one changed and announce what is new. A wrong file changes nothing."""
        seen = _seen(self._places.catalog), _seen(self._places.policy)
        if seen[0] is None or seen == self._seen:
            return
        catalog = load_catalog(self._places.catalog)
        decider = decider_for(catalog, () if seen[1] is None else (self._places.policy.read_text(),))
        now = self._clock.wall_us() // 1_000_000
        await self._work.write(lambda tx: _announce(tx, catalog.hash, decider.policies.hash, now))
        self._catalog, self._decider, self._seen = catalog, decider, seen
        for listener in self._listeners:
            await listener(catalog)

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except InvalidConfiguration as error:
                _log.error("catalog_refused", error=error.message)
            except AuditUnavailable as error:
                _log.warning("catalog_waits", detail=error.detail)

    async def bundle(self, gateway: GatewayId, issuer: str, keys: tuple[PublicKey, ...]) -> BundleContent:
        """What this gateway needs besides consents."""
        catalog, policies = self.catalog(), self.decider().policies
        clients = await self._work.read(lambda tx: tx.clients.all())
        part: dict[str, Any] = msgspec.to_builtins(catalog.assigned_to(gateway))
        return BundleContent(
            issuer=issuer,
            jwks={"keys": [dict(key.jwk) for key in keys]},
            catalog=part,
            catalog_hash=catalog.hash,
            policy=policies.texts.policies,
            policy_schema=policies.texts.schema,
            policy_hash=policies.hash,
            clients={client.client_id: client.status.value for client in clients},
        )


def decider_for(catalog: Catalog, overlays: tuple[str, ...]) -> Decider:
    """Our policies with the organisation's own, over the catalog's kinds of data; raises `InvalidConfiguration`."""
    data = [
        data_entity(f"{api}/{name}", sensitivity=data.sensitivity, special=data.special)
        for api, entry in catalog.file.apis.items()
        for name, data in entry.data.items()
    ]
    return Decider(Policies(core_texts(catalog.file.actions, overlays)), data)


def _seen(path: Path) -> _Seen:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


async def _announce(tx: SqlTransaction, catalog: str, policy: str, now: int) -> None:
    """Tell gateways of a catalog or policy that is not the one they were told of last.

    Such entries may be pruned like others: the feed's base remembers what was announced last.
    """
    base = await tx.gateways.feed.base()
    marks = base.marks
    for line in await tx.gateways.feed.after(base.seq, ALL):
        marks = marks.after(line.entry)
    until = now + KEPT_S
    if marks.catalog != catalog:
        await tx.feed.append(NewEntry(kind=Kind.CATALOG, id=catalog, cause="catalog_changed", until=until))
    if marks.policy != policy:
        await tx.feed.append(NewEntry(kind=Kind.POLICY, id=policy, cause="policy_changed", until=until))
