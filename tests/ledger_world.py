"""A whole ledger for tests: the real signer, sequencer, stores and publisher, in one process and one directory."""

import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from grantline.ledger.process import Ledger, open_ledger
from grantline.ledger.published import Published
from grantline.ledger.room import Space, space_at
from grantline.ledger.settings import Places, Settings
from grantline.ledger.signer import Signer, listen, serve_signer
from grantline.ledger.store import Stores
from grantline.model.clock import SystemClock
from grantline.model.events import Event, EventType, Sequenced, Submission
from grantline.model.ids import ClientId, ConsentId, PersonId, PurposeId, event_id
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.ledger import open_ledger as open_stores

SETTINGS = Settings(origin="ledger.example/log")
randomness = random.Random(7).randbytes


class SteadyClock(SystemClock):
    """Wall time that a test moves by hand."""

    def __init__(self, wall_us: int = 1_700_000_000_000_000) -> None:
        self.now_us = wall_us
        self.now_ns = 1

    def wall_us(self) -> int:
        return self.now_us

    def boot_ns(self) -> int:
        return self.now_ns


class Disk:
    """A file system whose free space a test sets."""

    def __init__(self, free, total=100 * 1024**3):
        self.now = Space(free, total)

    def __call__(self, _directory):
        if self.now is None:
            raise OSError("gone")
        return self.now


class World:
    """One open ledger with its signer."""

    def __init__(self, places: Places, ledger: Ledger, stores: Stores, signer: Signer) -> None:
        self.places = places
        self.ledger = ledger
        self.sequencer = ledger.sequencer
        self.stores = stores
        self.signer = signer
        self.published = Published(places.public)

    async def publish(self) -> int:
        """Sign and publish what is committed; the size."""
        await self.ledger.publish_rest()
        assert self.ledger.publisher.last is not None
        return self.ledger.publisher.last.size


@asynccontextmanager
async def ledger_in(
    data: Path, *, clock=None, connect=connect, settings=SETTINGS, space=space_at
) -> AsyncIterator[World]:
    """Start on what is in `data`, as after any restart."""
    places = Places(data)
    async with AsyncExitStack() as stack:
        signer = Signer(places.signer, SETTINGS.origin)
        stack.callback(signer.close)
        server = await serve_signer(signer, listen(places.signer_socket), os.geteuid())
        stack.callback(server.close)

        def opened(path: Path) -> Stores:
            return open_stores(path, connect=connect)

        ledger = await open_ledger(settings, places, opened, stack, clock=clock, space=space)
        stores = open_stores(places.ledger)
        stack.callback(stores.close)
        yield World(places, ledger, stores, signer)


def event(kind: EventType = EventType.CONSENT_GIVEN, **members) -> Event:
    """A plausible event; any member may be given."""
    usual = {"t": 1_700_000_000_000_000, "act": "give", "res": "consent", "out": "permit"}
    return Event(event_id=event_id(randomness), type=kind, **(usual | members))


def about(person: str = "p_ann", consent: str = "g_one", **members) -> Event:
    """An event of a person's consent."""
    named = {
        "person": PersonId(person), "subject": f"sub-{person}", "consent": ConsentId(consent),
        "client": ClientId("budget"), "purpose": PurposeId("budgeting"),
    }  # fmt: skip
    return event(**(named | members))


def decision(consent: str, evaluation: str, out: str = "permit", **members) -> Event:
    """A gateway's decision: it knows consent and pairwise subject, never the person."""
    detail = {
        "consent": consent, "subject": "sub-p_ann", "gateway": "gw1", "api": "bank", "route": "list",
        "endpoint": "transactions", "action": "read", "datatype": "transactions", "resources": ["acc-1"],
        "fields": ["amount", "date"], "purpose": "budgeting", "evaluation": evaluation,
    }  # fmt: skip
    usual = {
        "act": "read", "res": "transactions", "out": out, "consent": ConsentId(consent), "subject": "sub-p_ann",
        "client": ClientId("budget"), "purpose": PurposeId("budgeting"), "detail": detail,
    }  # fmt: skip
    return event(EventType.GATEWAY_DECISION, **(usual | members))


def outcome(evaluation: str, status: int, **members) -> Event:
    """What came of a decision."""
    usual = {"act": "read", "res": "answer", "detail": {"evaluation": evaluation, "status": status}}
    return event(EventType.GATEWAY_OUTCOME, **(usual | members))


class Producer:
    """Numbers events as a producer does."""

    def __init__(self, name: str = "authority", boot: str = "b_1") -> None:
        self.name, self.boot, self.last = name, boot, 0

    def says(self, *events: Event) -> Submission:
        first = self.last + 1
        self.last += len(events)
        numbered = (Sequenced(boot=self.boot, seq=seq, event=each) for seq, each in enumerate(events, first))
        return Submission(producer=self.name, events=tuple(numbered))
