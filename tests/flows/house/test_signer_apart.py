"""The checkpoint key belongs to a user of its own where root starts `serve`; where nobody can part them, it is said.

Started by root, these tests show the first; started by anybody else, the second.
"""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from grantline import app
from grantline.app.duties import duties, hand_over
from grantline.app.privileges import NET_BIND_SERVICE, Account, become
from grantline.cli.serve import plan, prepare
from grantline.cli.supervisor import Patience, Supervisor
from grantline.crypto.custody.file import write_private
from grantline.crypto.note import VerifierKey, open_checkpoint
from grantline.ledger.settings import Places, Settings
from grantline.ledger.signer import Signer, SignerClient, listen, serve_signer
from grantline.model.errors import AuditUnavailable, InvalidConfiguration
from tests.ledger_processes import until

PARTED = os.geteuid() == 0
SIGNER = int(Settings().signer_user)
CATALOG = Path(__file__).parents[3] / "demo" / "catalog.toml"


class Served:
    """Signer and ledger of one data directory, under the real supervisor."""

    def __init__(self, data: Path) -> None:
        self.places = Places(data)
        prepare(data, Settings().signer_user)
        self.supervisor = Supervisor(plan(data, None, ())[:2], lambda _: None, Patience(ready=60, first_restart=0.01))
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        started = asyncio.Event()
        self._running = asyncio.create_task(self.supervisor.run(started.set))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait([self._running, waiting], return_when=asyncio.FIRST_COMPLETED)
        assert started.is_set(), self._running

    async def stop(self) -> None:
        assert self._running is not None
        self.supervisor.stop()
        await self._running

    def says(self, process: str, line: str) -> list[str]:
        """One line of what the kernel knows about a process."""
        status = Path(f"/proc/{self.supervisor.pid(process)}/status").read_text().splitlines()
        return next(each for each in status if each.startswith(f"{line}:")).split()[1:]

    def signed(self) -> int:
        """The size under the published checkpoint."""
        note = (self.places.public / "checkpoint").read_text()
        return open_checkpoint(note, VerifierKey.parse((self.places.public / "log.vkey").read_text())).size


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path / "data")
    await served.start()
    yield served
    await served.stop()


def in_a_process(account: Account, act: Callable[[], object], keep: tuple[int, ...] = ()) -> str:
    """What `act` comes to for that account: `done`, or the error's name."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if PARTED:
                become(account, keep=keep)
            act()
            said = "done"
        except BaseException as error:
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


async def test_only_the_signer_can_read_the_checkpoint_key(served: Served) -> None:
    """Covers: idea 9."""
    seed = served.places.signer / "seed"
    uid, others = int(served.says("signer", "Uid")[1]), int(served.says("ledger", "Uid")[1])
    assert (uid != others) is PARTED
    assert (seed.stat().st_uid, seed.parent.stat().st_uid) == (uid, uid)
    assert (seed.stat().st_mode & 0o777, seed.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    ledger = Account(others, int(served.says("ledger", "Gid")[1]))
    read = in_a_process(ledger, seed.read_bytes, (NET_BIND_SERVICE,))
    assert read == ("PermissionError" if PARTED else "done")
    memory = in_a_process(ledger, lambda: os.open(f"/proc/{served.supervisor.pid('signer')}/mem", os.O_RDONLY))
    if PARTED:
        assert memory == "PermissionError"
        assert served.says("signer", "CapBnd") == served.says("signer", "CapPrm") == ["0" * 16]
        assert served.says("ledger", "CapBnd") == served.says("ledger", "CapPrm") == [f"{1 << NET_BIND_SERVICE:016x}"]


async def test_checkpoints_go_on_being_signed_also_by_a_restarted_signer(served: Served) -> None:
    async def first() -> bool:
        return served.signed() >= 1

    await until(first)
    key, before = (served.places.public / "log.vkey").read_text(), served.supervisor.pid("signer")
    for name in ("signer", "ledger"):
        pid = served.supervisor.pid(name)
        os.kill(pid, signal.SIGKILL)

        async def again(name: str = name, pid: int = pid) -> bool:
            return served.supervisor.pid(name) != pid

        await until(again, within_s=30)

    async def grown() -> bool:
        # Every start of the ledger is an entry.
        return served.signed() >= 2

    await until(grown, within_s=30)
    assert before != served.supervisor.pid("signer")
    assert (served.places.public / "log.vkey").read_text() == key


async def test_a_data_directory_of_one_user_is_taken_over_with_its_key_and_memory(tmp_path: Path) -> None:
    """As a release that knew no user of the signer's own left it."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    places = Places(data)
    old = Signer(places.signer, Settings().origin)
    key = old.vkey
    old.close()
    assert {each.stat().st_uid for each in places.signer.rglob("*")} == {os.geteuid()}
    served = Served(data)
    await served.start()
    try:
        assert (places.public / "log.vkey").read_text() == f"{key}\n"
        owners = {each.stat().st_uid for each in (places.signer, *places.signer.rglob("*"))}
        assert owners == {SIGNER if PARTED else os.geteuid()}
    finally:
        await served.stop()


@pytest.mark.parametrize("name", ["signer", "ledger"])
def test_no_process_outlives_a_killed_supervisor(tmp_path: Path, name: str) -> None:
    """A change of user takes the kernel's parent-death signal away; it is put back."""
    command = [sys.executable, "-m", "grantline", "serve", "--data", str(tmp_path / "data")]
    environment = os.environ | {"GRANTLINE_SERVER__PORT": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if line.startswith(f"{name} is running"))
        child = os.pidfd_open(int(line.split("process ")[1].rstrip(")\n")))
        process.kill()
    gone, _, _ = select.select([child], [], [], 20)
    os.close(child)
    assert gone


async def test_the_signer_answers_the_ledgers_user_alone(tmp_path: Path) -> None:
    signer = Signer(tmp_path / "signer", Settings().origin)
    for caller, answered in ((os.geteuid(), True), (os.geteuid() + 1, False)):
        place = tmp_path / f"{caller}.sock"
        async with await serve_signer(signer, listen(place), caller):
            try:
                vkey, _ = await SignerClient(place).last()
            except AuditUnavailable:
                vkey = ""
            assert (vkey == signer.vkey) is answered
        assert place.stat().st_mode & 0o777 == 0o600
    signer.close()


def test_handing_over_follows_no_link_out_of_the_directory(tmp_path: Path) -> None:
    place, outside = tmp_path / "place", tmp_path / "outside"
    for name in ("own", "kept"):
        write_private(place / "below" / name, b"")
    outside.mkdir()
    write_private(outside / "linked", b"")
    write_private(outside / "named twice", b"")
    (place / "link").symlink_to(outside / "linked")
    (place / "folder").symlink_to(outside)
    (place / "second name").hardlink_to(outside / "named twice")
    to = Account(SIGNER, SIGNER) if PARTED else Account.current()
    hand_over(place, to)
    assert {each.stat().st_uid for each in (place, place / "below", *(place / "below").iterdir())} == {to.uid}
    assert {each.stat().st_uid for each in (outside, *outside.iterdir())} == {os.geteuid()}


def test_the_sentence_says_which_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grantline", "check", str(CATALOG), "--data", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("nothing but the signer can read the checkpoint key" in said) is PARTED
    assert (f"The signer shares uid {os.geteuid()}" in said) is not PARTED
    assert duties(tmp_path, "").apart is False
    assert "shares" in duties(tmp_path, "").sentence


@pytest.mark.parametrize("user", ["0", "root", "no-such-user"])
def test_a_user_that_is_not_the_signers_alone_is_refused(tmp_path: Path, user: str) -> None:
    if PARTED:
        with pytest.raises(InvalidConfiguration, match="signer_user"):
            duties(tmp_path, user)
    else:
        assert duties(tmp_path, user).apart is False


def test_everything_else_runs_as_the_owner_of_the_data_directory() -> None:
    """Covers: idea 9. Where that user cannot read the program, it says so instead, and what to do."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        Path(folder).chmod(0o755)
        data.mkdir(mode=0o700)
        owner = Account(65_521, 65_521) if PARTED else Account.current()
        hand_over(data, owner)
        program = (os.__file__, structlog.__file__, app.__file__)
        reads = in_a_process(owner, lambda: [Path(each).read_bytes() for each in program]) == "done"
        command = [sys.executable, "-m", "grantline", "serve", "--data", str(data)]
        environment = os.environ | {"GRANTLINE_SERVER__PORT": "0"}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if line.startswith("The link works"):
                    process.terminate()
        if reads:
            assert f"everything else as uid {owner.uid}" in said[0] or not PARTED
            signers = {data / "signer", *(data / "signer").iterdir()}
            assert {each.stat().st_uid for each in signers} == {SIGNER if PARTED else owner.uid}
            assert {each.stat().st_uid for each in {*data.rglob("*")} - signers} == {owner.uid}
        else:
            assert "cannot read" in said[0]
            assert f"chown 0 {data}" in said[0]
            assert list(data.iterdir()) == []


def test_a_port_below_1024_remains_possible() -> None:
    def bind() -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 997))

    kept = in_a_process(Account.current(), bind, (NET_BIND_SERVICE,))
    assert (kept == "done") is PARTED
