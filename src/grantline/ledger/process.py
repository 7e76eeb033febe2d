"""Opens a ledger: recovers, catches up, says that the log started, and hands out its parts ready to serve."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.ledger import projection
from grantline.ledger.access import Producers, read_producers
from grantline.ledger.accounts import LEDGER
from grantline.ledger.erasure import Eraser, Erasures, destroy_again
from grantline.ledger.findings import Findings, OwnStream
from grantline.ledger.gaps import own_event
from grantline.ledger.ingest import LedgerApp
from grantline.ledger.inquiry.answers import Inquiries
from grantline.ledger.keys import PersonKeys
from grantline.ledger.lock import OnlyOne
from grantline.ledger.orders import Orders
from grantline.ledger.published import Published
from grantline.ledger.publisher import Publisher, keep_publishing
from grantline.ledger.queries import Queries
from grantline.ledger.retention.holds import Holds
from grantline.ledger.retention.policy import Policy
from grantline.ledger.retention.service import Retention, open_retention
from grantline.ledger.rewrap import Rewrapping
from grantline.ledger.room import Room, Space, space_at
from grantline.ledger.root_keys import RootKeys, open_root_keys
from grantline.ledger.rotation import Rotation
from grantline.ledger.sequencer import Sequencer
from grantline.ledger.settings import Places, Settings
from grantline.ledger.signer import SignerClient
from grantline.ledger.store import Stores
from grantline.model.clock import Clock, SystemClock
from grantline.model.errors import AuditUnavailable
from grantline.model.events import EventType, Sequenced, Submission
from grantline.model.ids import Randomness, opaque

if TYPE_CHECKING:
    from grantline.ledger.witness.asking import Asking

OpenStores = Callable[[Path], Stores]
PATIENCE_S = 30.0


@dataclass(slots=True)
class Ledger:
    """The open ledger: its application, and what goes on beside it (`chores`, each until cancelled)."""

    app: LedgerApp
    sequencer: Sequencer
    publisher: Publisher
    eraser: Eraser
    rewrapping: Rewrapping
    asking: "Asking | None"
    room: Room
    findings: Findings
    inquiries: Inquiries
    retention: Retention
    rotation: Rotation
    settings: Settings

    def chores(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """To be run side by side while the ledger is served."""
        return (
            self.keep_publishing,
            self.keep_rewrapping,
            self.keep_asking_witnesses,
            self.keep_watching_room,
            self.retention.keep_retaining,
        )

    async def keep_publishing(self) -> None:
        """Until cancelled, or until the signer refuses."""
        await keep_publishing(self.publisher, lambda: self.sequencer.frontier, self.settings.checkpoint_every_ms / 1000)

    async def keep_rewrapping(self) -> None:
        """Until cancelled."""
        await self.rewrapping.keep_turning(self.settings.rewrap_days)

    async def keep_asking_witnesses(self) -> None:
        """Until cancelled. Without a policy nobody is asked."""
        if self.asking is None:
            await asyncio.Event().wait()
        else:
            await self.asking.keep_asking(self.settings.witness_every_s)

    async def keep_watching_room(self) -> None:
        """Until cancelled."""
        await self.room.keep_watching(self.findings.tell)

    async def publish_rest(self) -> None:
        """What came in since the last checkpoint, before the end."""
        frontier, last = self.sequencer.frontier, self.publisher.last
        if frontier is not None and last is not None and frontier.size != last.size:
            await self.publisher.publish(frontier)


async def open_ledger(
    settings: Settings,
    places: Places,
    open_stores: OpenStores,
    stack: AsyncExitStack,
    *,
    clock: Clock | None = None,
    randomness: Randomness = secrets.token_bytes,
    space: Callable[[Path], Space] = space_at,
) -> Ledger:
    """Recover, catch up and begin: after this every entry is projected and `log.started` is on record.

    `stack` closes everything again. Raises `InvalidConfiguration` if another process appends or entries are missing.
    """
    clock, policy = clock or SystemClock(), Policy(settings.retention)
    files = await _recover(places, open_stores, stack, randomness)
    writing, keys = files.writing, files.keys
    room = Room(places.ledger, settings, clock, space)
    sequencer = Sequencer(writing, keys, clock, randomness, room=room)
    stack.callback(sequencer.close)
    await _tell_start(sequencer, clock, randomness)
    holds, stream = Holds(places.holds), OwnStream(sequencer, clock, randomness)
    eraser = Eraser(
        sequencer, writing, keys, files.erasures, holds=holds, readers=(files.reader_keys,), stream=stream,
        clock=clock, randomness=randomness,
    )  # fmt: skip
    await eraser.finish_all()
    retention = open_retention(
        sequencer, writing, keys, files.published, last=lambda: files.publisher.last, policy=policy, holds=holds,
        stream=stream, clock=clock, randomness=randomness,
    )  # fmt: skip
    await retention.finish()
    rotation = Rotation(files.signer, files.publisher, writing.entries, stream)
    await rotation.finish()
    inquiries = Inquiries(files.reading.entries, files.reading.investigations, files.reader_keys, stream)
    app = LedgerApp(
        sequencer,
        Producers(read_producers(places.producers), files.reading.entries.trusted),
        Queries(files.reading.projections, files.reader_keys, lambda: files.publisher.last),
        files.published,
        orders=Orders(eraser, inquiries, retention, rotation),
        authority=settings.authority,
    )
    rewrapping = Rewrapping(sequencer, writing.keys, files.roots, places, clock=clock, randomness=randomness)
    findings = Findings(stream)
    asking = await _asking(settings, files.published, stack, findings, clock)
    return Ledger(
        app=app, sequencer=sequencer, publisher=files.publisher, eraser=eraser, rewrapping=rewrapping, asking=asking,
        room=room, findings=findings, inquiries=inquiries, retention=retention, rotation=rotation,
        settings=settings,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Files:
    """What stands after recovery: the writer's files and keys, the readers' own, and what is published."""

    writing: Stores
    reading: Stores
    roots: RootKeys
    keys: PersonKeys
    reader_keys: PersonKeys
    erasures: Erasures
    published: Published
    publisher: Publisher
    signer: SignerClient


async def _recover(places: Places, open_stores: OpenStores, stack: AsyncExitStack, randomness: Randomness) -> _Files:
    """Come back to what was signed, destroy again what was erased, and project what is not."""
    places.ledger.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = OnlyOne(places.lock, f"Another process appends to the ledger at {places.ledger}.")
    stack.callback(lock.release)
    roots = open_root_keys(places.root_key, randomness)
    writing, reading = open_stores(places.ledger), open_stores(places.ledger)
    for stores in (writing, reading):
        stack.callback(stores.close)
    published = Published(places.public)
    signer = SignerClient(places.signer_socket)
    publisher = Publisher(reading.entries, published, signer)
    await _when_answered(publisher.recover)
    keys, erasures = PersonKeys(writing.keys, roots, randomness), Erasures(places.erasures)
    destroy_again(erasures, keys)
    size, minimum = writing.entries.head().frontier.size, published.minimum()
    projection.catch_up(writing.entries, keys, writing.projections, size, minimum=minimum)
    reader_keys = PersonKeys(reading.keys, roots, randomness)
    return _Files(writing, reading, roots, keys, reader_keys, erasures, published, publisher, signer)


async def _asking(
    settings: Settings, published: Published, stack: AsyncExitStack, findings: Findings, clock: Clock
) -> "Asking | None":
    """Who asks the witnesses that the settings name; what that needs is not loaded where there are none."""
    if settings.witness_policy is None:
        return None
    from grantline.ledger.witness.asking import Asking, client
    from grantline.ledger.witness.policy import load_policy

    policy = load_policy(settings.witness_policy)
    http = await stack.enter_async_context(client())
    return Asking(published, policy, http, clock, findings.tell, alarm_s=settings.witness_alarm_s)


async def _when_answered(recover: Callable[[], Awaitable[None]]) -> None:
    """The signer starts beside us: give it a moment."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await recover()
        except AuditUnavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.05)


async def _tell_start(sequencer: Sequencer, clock: Clock, randomness: Randomness) -> None:
    event = own_event(EventType.LOG_STARTED, "start", {}, clock, randomness)
    said = Sequenced(boot=opaque("b", randomness), seq=1, event=event)
    await sequencer.append(Submission(producer=LEDGER, events=(said,)))
