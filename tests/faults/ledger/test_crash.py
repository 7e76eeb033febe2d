"""What was answered stays, whenever the process dies."""

import asyncio
import re
import shutil

import orjson
import pytest

from grantline.ledger.published import Published
from grantline.ledger.verify import verify
from grantline.model.errors import AuditUnavailable
from grantline.storage.sqlite.ledger import open_ledger
from tests.ledger_processes import Processes, answered, until
from tests.ledger_world import Producer, about

WRITERS = 16
SYNC = re.compile(r"f(?:data)?sync\(\d+<[^>]*ledger\.db-wal>")


@pytest.fixture
def processes(tmp_path):
    running = Processes(tmp_path)
    running.start_signer()
    yield running
    running.stop()


async def write(client, boot, acknowledged, stopped):
    """Send one event at a time; after a failure the same again, as any producer does."""
    producer = Producer(boot=boot)
    while not stopped.is_set():
        submission = producer.says(about())
        while True:
            try:
                accepted = await client.submit(submission)
            except AuditUnavailable:
                await asyncio.sleep(0.02)
                continue
            acknowledged.append((submission.events[0].event.event_id, accepted.first_index, boot, producer.last))
            break


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
async def test_every_acknowledged_entry_survives_every_kill_once(processes, tmp_path, kills):
    """Covers: AUDIT §6.1."""
    client = processes.client()
    acknowledged, stopped, state = [], asyncio.Event(), tmp_path / "seen.json"
    processes.start_ledger()
    await answered(client)
    writers = [asyncio.create_task(write(client, f"b_{at}", acknowledged, stopped)) for at in range(WRITERS)]
    for kill in range(kills):
        goal = len(acknowledged) + 40 + kill % 7

        async def enough(goal=goal):
            return len(acknowledged) >= goal

        await until(enough, within_s=60)
        processes.kill_ledger()
        processes.start_ledger()
    stopped.set()
    await asyncio.gather(*writers)
    await client.close()
    processes.stop()
    nothing_is_lost(processes, acknowledged, state)


def nothing_is_lost(processes, acknowledged, state):
    """Each acknowledged event is where it was said to be, none is there twice, no number is missing."""
    report = verify(Published(processes.places.public), state=state)
    assert report.ok, report.problem
    stores = open_ledger(processes.places.ledger)
    leaves = [orjson.loads(body) for body in stores.entries.bodies(0, 10**9)]
    stores.close()
    assert report.size == len(leaves)
    assert len({leaf["id"] for leaf in leaves}) == len(leaves)
    for event_id, index, boot, seq in acknowledged:
        assert (leaves[index]["id"], leaves[index]["boot"], leaves[index]["pseq"]) == (event_id, boot, seq)
    for name in {boot for _, _, boot, _ in acknowledged}:
        numbers = [leaf["pseq"] for leaf in leaves if leaf["boot"] == name]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_no_answer_leaves_before_the_log_is_synced(processes, tmp_path):
    """Covers: AUDIT §6.2. Killing a process proves nothing here: the page cache survives it. Only the calls tell."""
    trace = tmp_path / "trace"
    strace = shutil.which("strace")
    assert strace, "apt-get install strace"
    calls = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg"
    processes.start_ledger(strace, "-D", "-f", "-y", "-s", "96", "-e", calls, "-o", str(trace))
    client = processes.client()
    await answered(client, within_s=60)
    producer = Producer()
    for _ in range(20):
        await client.submit(producer.says(about()))
    await client.close()
    processes.stop()
    assert _acknowledgements_after_sync(trace.read_text()) >= 20


def _acknowledgements_after_sync(trace):
    """How many answers `Accepted` left, each after a sync of the log that follows the log's last write."""
    dirty, syncing, found = False, set(), 0
    for line in trace.splitlines():
        thread = line.split(maxsplit=1)[0]
        if "pwrite64(" in line and "ledger.db-wal" in line:
            dirty = True
        elif SYNC.search(line):
            if "unfinished" in line:
                syncing.add(thread)
            else:
                dirty = False
        elif thread in syncing and "sync resumed" in line:
            syncing.remove(thread)
            dirty = False
        elif "last_seq" in line and "first_index" in line:
            assert not dirty, f"answered before the sync: {line}"
            found += 1
    return found


CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "ftruncate", "openat")
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
ONCE = {"pwrite64": 9, "fdatasync": 6, "fsync": 3, "rename": 3, "ftruncate": 1, "openat": 400}
EACH = {name: range(1, 41) for name in CALLS} | {"openat": range(1, 2_001, 50)}


LONG = [pytest.mark.long, pytest.mark.timeout(120)]
SITES = [
    pytest.param(call, fault, when, marks=[] if when == ONCE[call] else LONG)
    for call in CALLS
    for fault in FAULTS
    for when in sorted({*EACH[call], ONCE[call]})
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("call", "fault", "when"), SITES)
async def test_a_failing_system_call_loses_nothing(processes, tmp_path, call, fault, when):
    """Each thread's nth call of a kind fails, or kills: the next start finds all that was answered.

    Covers: AUDIT §6.2.
    """
    strace = shutil.which("strace")
    assert strace, "apt-get install strace"
    inject = f"inject={call}:{fault}:when={when}"
    processes.start_ledger(
        strace, "-D", "-f", "-qq", "-e", f"trace={call}", "-e", inject, "-o", str(tmp_path / "trace")
    )
    client = processes.client()
    acknowledged, stopped = [], asyncio.Event()
    writers = [asyncio.create_task(write(client, f"b_{at}", acknowledged, stopped)) for at in range(4)]
    await _until_stuck_or_enough(processes, acknowledged, 60)
    if fault == "signal=KILL":
        assert processes.ledger.poll() is not None, "it was never killed"
    else:
        assert "(INJECTED)" in (tmp_path / "trace").read_text()
    processes.kill_ledger()
    processes.start_ledger()
    goal = len(acknowledged) + 40

    async def enough():
        return len(acknowledged) >= goal

    await until(enough, within_s=60)
    stopped.set()
    await asyncio.gather(*writers)
    await client.close()
    await _published_all(processes)
    processes.stop()
    nothing_is_lost(processes, acknowledged, tmp_path / "seen.json")


async def _until_stuck_or_enough(processes, acknowledged, goal):
    """Until so many are answered, the process is gone, or nothing was answered for three seconds."""
    clock = asyncio.get_running_loop().time
    seen, since = 0, clock() + 10
    while len(acknowledged) < goal and processes.ledger.poll() is None and clock() < since + 3:
        if len(acknowledged) > seen:
            seen, since = len(acknowledged), clock()
        await asyncio.sleep(0.02)


async def _published_all(processes):
    """Until the checkpoint covers what was committed: `stop` publishes the rest too, but may be asked for too early."""
    await asyncio.sleep(0.5)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("tries", [4, pytest.param(100, marks=pytest.mark.long)])
async def test_of_two_ledgers_that_start_at_once_one_serves_and_nothing_forks(processes, tmp_path, tries):
    """Covers: AUDIT §6.5."""
    client, acknowledged, state = processes.client(), [], tmp_path / "seen.json"
    for each in range(tries):
        one, other = processes.start_ledger(), processes.start_ledger()
        await answered(client)

        async def alone(pair=(one, other)):
            return [process.poll() for process in pair].count(None) == 1

        await until(alone, within_s=30)
        producer = Producer(boot=f"b_{each}")
        for _ in range(3):
            submission = producer.says(about())
            accepted = await client.submit(submission)
            name = submission.events[0].event.event_id
            acknowledged.append((name, accepted.first_index, producer.boot, producer.last))
        for process in (one, other):
            process.kill()
            process.wait()
    processes.start_ledger()
    await answered(client)
    await client.close()
    processes.stop()
    nothing_is_lost(processes, acknowledged, state)
