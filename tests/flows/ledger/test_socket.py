"""The ledger as others meet it: two processes, one socket, producers with keys, an authority that asks."""

import asyncio

import httpx2
import pytest

from grantline.crypto.es256 import SigningKey
from grantline.crypto.note import VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, Tile, unbundle
from grantline.ledger.access import UnknownProducer
from grantline.ledger.client import LedgerClient, Missing
from grantline.ledger.erasure import Order
from grantline.ledger.relay import GATHER_S, Relay
from grantline.ledger.set_aside import SetAside
from grantline.model.clock import SystemClock
from grantline.model.errors import AuditUnavailable, InvalidRequest, NotFound
from grantline.model.events import Accepted, EventType
from grantline.storage.sql.outgoing import SqlOutgoingEvents
from grantline.storage.sql.shared import SqlOutbox
from grantline.storage.sqlite.database import Database
from grantline.storage.sqlite.testing_schema import create_tables
from tests.ledger_processes import Processes, answered, until
from tests.ledger_world import Producer, about, decision, event, outcome, randomness


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    running = Processes(tmp_path_factory.mktemp("flow"))
    running.start_signer()
    running.start_ledger()
    yield running
    running.stop()


@pytest.fixture
async def authority(processes):
    client = processes.client()
    await answered(client)
    yield client
    await client.close()


async def test_what_a_producer_brings_is_read_published_and_signed_within_a_second(processes, authority):
    """Covers: ARCHITECTURE idea 6."""
    producer = Producer(boot="b_socket")
    accepted = await authority.submit(producer.says(about(consent="g_socket")))
    assert [each.index for each in await authority.life("g_socket")] == [accepted.first_index]

    async def signed():
        return (await authority.head())[0] >= accepted.size

    await until(signed, within_s=2)
    transport = httpx2.AsyncHTTPTransport(uds=str(processes.places.ledger_socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ledger") as anyone:
        vkey = (await anyone.get("/log.vkey")).text
        checkpoint = open_checkpoint((await anyone.get("/checkpoint")).text, VerifierKey.parse(vkey))
        bundle = await anyone.get("/" + Tile(ENTRIES, 0, checkpoint.size).path)
        assert bundle.headers["content-type"] == "application/octet-stream"
        assert b"consent.given@1" in unbundle(bundle.content)[accepted.first_index]
        for path in ("/tile/../../root.key", "/tile/0/../../../root.key", "/root.key", "/tile/0/999", "/tile"):
            assert (await anyone.get(path)).status_code == 404
        assert (await anyone.post("/ingest", content=b"{}")).status_code == 401


async def test_strangers_neither_write_nor_read(processes, authority):
    stranger = processes.client("authority", SigningKey.generate())
    with pytest.raises(UnknownProducer):
        await stranger.submit(Producer(boot="b_x").says(about()))
    with pytest.raises(UnknownProducer):
        await stranger.usage(("g_socket",))
    with pytest.raises(UnknownProducer):
        await authority.submit(Producer("somebody-else").says(about()))


async def test_a_gateway_is_known_from_its_enrolment_on_and_may_not_ask(processes, authority):
    """Covers: ARCHITECTURE idea 5: gateways enrol."""
    key = SigningKey.generate()
    gateway = processes.client("gw_new", key)
    says = Producer("gw_new")
    first = says.says(decision("g_gw", "ev_gw"))
    with pytest.raises(UnknownProducer):
        await gateway.submit(first)
    enrolled = event(EventType.GATEWAY_ENROLLED, detail={"gateway": "gw_new", "jwk": key.public.jwk})
    await authority.submit(Producer(boot="b_enrol").says(enrolled))
    await gateway.submit(first)
    await gateway.submit(says.says(outcome("ev_gw", 200)))
    (call,) = await authority.accesses("g_gw", limit=5)
    assert (call.status, call.decision) == (200, "permit")
    assert (await authority.usage(("g_gw",)))["g_gw"].allowed == 1
    assert await authority.around("g_gw", 0) == (call, None)
    assert await authority.person_events("p_nobody", limit=5) == ()
    with pytest.raises(UnknownProducer):
        await gateway.usage(("g_gw",))


async def test_a_hole_is_told_with_the_number_expected(authority):
    producer = Producer(boot="b_hole")
    producer.says(about())
    with pytest.raises(Missing) as missing:
        await authority.submit(producer.says(about()))
    assert missing.value.expected == 1
    with pytest.raises(InvalidRequest):
        await authority.submit(Producer(boot="b_bad").says(event(detail={"ratio": 0.5})))


class Transaction:
    def __init__(self, cursor):
        self.outbox = SqlOutbox(cursor)
        self.outgoing = SqlOutgoingEvents(cursor)


@pytest.fixture
def state(tmp_path):
    create_tables(tmp_path / "state.db")
    database = Database(tmp_path / "state.db", Transaction)
    yield database
    database.close()


def relay_to(state, ledger, tmp_path):
    return Relay(state, ledger, randomness, clock=SystemClock(), aside=SetAside(tmp_path / "aside"))


async def test_the_relay_brings_state_changes_within_a_second_of_their_commit(authority, state, tmp_path):
    """Covers: ARCHITECTURE idea 6."""
    relay = relay_to(state, authority, tmp_path)
    running = asyncio.create_task(relay.run())
    events = [about(consent="g_relay") for _ in range(600)]
    for at in range(0, 600, 100):
        batch = events[at : at + 100]

        async def change(tx, batch=batch):
            for each in batch:
                await tx.outbox.append(each)

        await state.write(change)
        relay.wake()

    async def brought():
        return await state.read(lambda tx: tx.outgoing.waiting(1)) == ()

    await until(brought)
    running.cancel()
    assert [each.event_id for each in await authority.life("g_relay")] == [each.event_id for each in events]


class Counting:
    """A ledger that takes everything at once, and counts how often it is asked to."""

    producer = "authority"

    def __init__(self):
        self.submissions = 0

    async def submit(self, submission):
        self.submissions += 1
        last = submission.events[-1]
        return Accepted(boot=last.boot, last_seq=last.seq, first_index=0, size=last.seq)


async def test_what_is_committed_one_by_one_within_a_moment_is_brought_together(state, tmp_path):
    counting, clock = Counting(), asyncio.get_running_loop().time
    relay = relay_to(state, counting, tmp_path)
    running = asyncio.create_task(relay.run())
    begun = clock()
    for _ in range(12):
        await state.write(lambda tx: tx.outbox.append(about()))
        relay.wake()
        await asyncio.sleep(GATHER_S / 20)

    async def brought():
        return await state.read(lambda tx: tx.outgoing.waiting(1)) == ()

    await until(brought)
    running.cancel()
    assert 1 <= counting.submissions <= (clock() - begun) / GATHER_S + 1


class Losing:
    """A ledger whose answers get lost."""

    producer = "authority"

    def __init__(self, real):
        self.real, self.lose = real, True

    async def submit(self, submission):
        accepted = await self.real.submit(submission)
        if self.lose:
            raise AuditUnavailable("the answer got lost")
        return accepted


async def test_an_answer_that_got_lost_makes_no_second_entry(authority, state, tmp_path):
    losing = Losing(authority)
    said = about(consent="g_lost")
    await state.write(lambda tx: tx.outbox.append(said))
    with pytest.raises(AuditUnavailable):
        await relay_to(state, losing, tmp_path).bring()
    losing.lose = False
    assert await relay_to(state, losing, tmp_path).bring() == 1
    assert [each.event_id for each in await authority.life("g_lost")] == [said.event_id]
    assert await state.read(lambda tx: tx.outgoing.waiting(10)) == ()


async def test_an_event_that_ingest_refuses_is_set_aside_and_holds_up_nobody(authority, state, tmp_path):
    """Kept whole beside the record, told of by a finding, and everything behind it goes on."""
    events = [about(consent="g_odd"), event(detail={"ratio": 0.5}), about(consent="g_odd")]

    async def change(tx):
        for each in events:
            await tx.outbox.append(each)

    await state.write(change)
    before, _ = await authority.head()
    assert await relay_to(state, authority, tmp_path).bring() == 3
    assert await state.read(lambda tx: tx.outgoing.waiting(10)) == ()
    assert [each.event_id for each in await authority.life("g_odd")] == [events[0].event_id, events[2].event_id]

    async def published():
        return (await authority.head())[0] >= before + 3

    await until(published)
    assert f'"event_id":"{events[1].event_id}"' in (tmp_path / "aside").read_text()


async def test_who_was_forgotten_is_not_found_again(authority):
    """Only the authority may ask for it; what was read before is not remembered, and nobody else is touched."""
    await authority.submit(Producer(boot="b_erase").says(about("p_eve", "g_eve"), about("p_dan", "g_dan")))
    assert await authority.life("g_eve")
    erasure = await authority.erase(Order(person="p_eve", basis="art17", request="R-7", evidence=True))
    assert len(erasure.keys) == 2
    assert await authority.life("g_eve") == ()
    assert await authority.life("g_dan")
    assert await authority.person_events("p_eve", limit=10) == ()
    with pytest.raises(NotFound):
        await authority.erase(Order(person="p_eve", basis="art17", request="R-8"))


async def test_a_producer_that_only_writes_can_have_nobody_forgotten(processes, authority):
    key = SigningKey.generate()
    enrolled = event(EventType.GATEWAY_ENROLLED, detail={"gateway": "gw-eraser", "jwk": key.public.jwk})
    await authority.submit(Producer(boot="b_eraser").says(enrolled, about("p_fay", "g_fay")))
    gateway = LedgerClient(processes.places.ledger_socket, "gw-eraser", key)
    with pytest.raises(UnknownProducer, match="Only the authority"):
        await gateway.erase(Order(person="p_fay", basis="art17", request="R-9"))
    await gateway.close()
    assert await authority.life("g_fay")


class Keeping(Counting):
    """Keeps what it was told."""

    def __init__(self):
        super().__init__()
        self.told = []

    async def submit(self, submission):
        self.told += submission.events
        return await super().submit(submission)


async def test_the_relay_counts_what_it_brought_and_is_silent_when_there_is_nothing_new(state, tmp_path):
    """Covers: AUDIT §5.3."""
    keeping = Keeping()
    relay = Relay(
        state, keeping, randomness, clock=SystemClock(), aside=SetAside(tmp_path / "aside"), look_every_s=0.02,
        beat_every_s=0.05,
    )  # fmt: skip
    running = asyncio.create_task(relay.run())

    async def beats():
        return [said for said in keeping.told if said.event.type == EventType.HEARTBEAT]

    for change in (1, 2):
        await state.write(lambda tx: tx.outbox.append(about()))
        relay.wake()

        async def counted(change=change):
            return len(await beats()) == change

        await until(counted)
    await asyncio.sleep(0.3)
    running.cancel()
    first, second = await beats()
    assert first.event.detail == {"boot": first.boot, "last": 1, "counts": {"consent.given@1": 1}}
    assert second.event.detail["counts"] == {"consent.given@1": 2, "producer.heartbeat@1": 1}
