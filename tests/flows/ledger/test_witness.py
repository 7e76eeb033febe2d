"""Our own witness (C2SP tlog-witness): what it cosigns, what it refuses with which status, what it remembers."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx2
import pytest

from grantline.crypto.cosignature import WitnessKey, cosigned
from grantline.crypto.merkle import consistency_proof, leaf_hash, tree_root
from grantline.crypto.note import Checkpoint, NoteSigner, open_checkpoint
from grantline.ledger.witness import keeper
from grantline.ledger.witness.keeper import Witness
from grantline.ledger.witness.request import AddCheckpoint
from grantline.ledger.witness.service import WitnessApp
from grantline.model.errors import InvalidConfiguration
from tests.ledger_world import SteadyClock

LOG, OTHER = NoteSigner("audit.example/log1", b"\x01" * 32), NoteSigner("audit.example/log2", b"\x05" * 32)
HASH = hashlib.sha256(b"audit.example/log1").hexdigest()
LEAVES = [leaf_hash(b"%d" % at) for at in range(20)]
FORKED = [leaf_hash(b"forged"), *LEAVES[1:]]


def note(size, leaves=LEAVES, signer=LOG):
    return signer.sign(Checkpoint(signer.verifier.name, size, tree_root(leaves[:size])).body())


def asked(old, size, leaves=LEAVES, signer=LOG):
    """An honest request over these leaves."""
    proof = consistency_proof(old, size, lambda level, at: tree_root(leaves[at << level : (at + 1) << level]))
    return AddCheckpoint(old, tuple(proof), note(size, leaves, signer), Checkpoint("", size, b"")).to_bytes()


@contextmanager
def witness_in(directory, *logs):
    opened = Witness(directory, "w.example/1", [log.verifier for log in logs or (LOG,)], SteadyClock())
    try:
        yield opened
    finally:
        opened.close()


def client(witness):
    transport = httpx2.ASGITransport(app=WitnessApp(witness))
    return httpx2.AsyncClient(transport=transport, base_url="http://witness")


async def add(http, data):
    return await http.post("/add-checkpoint", content=data)


async def test_it_cosigns_what_continues(tmp_path):
    """Covers: AUDIT §5.7."""
    with witness_in(tmp_path) as witness:
        async with client(witness) as http:
            assert (await http.get(f"/{HASH}/checkpoint")).status_code == 404
            for old, size in ((0, 0), (0, 3), (3, 3), (3, 20)):
                answer = await add(http, asked(old, size))
                assert answer.status_code == 200, answer.text
                assert cosigned(note(size) + answer.text, [witness.key]) == {witness.key: 1_700_000_000}
            kept = await http.get(f"/{HASH}/checkpoint")
            assert kept.headers["content-type"] == "text/plain; charset=utf-8"
            assert open_checkpoint(kept.text, LOG.verifier).size == 20
            assert witness.key in cosigned(kept.text, [witness.key])
            assert WitnessKey.parse((await http.get("/witness.vkey")).text) == witness.key


async def refused(tmp_path, data, status):
    """What it says to this after it cosigned 10 entries; nothing of it may stick."""
    with witness_in(tmp_path) as witness:
        async with client(witness) as http:
            assert (await add(http, asked(0, 10))).status_code == 200
            kept = (await http.get(f"/{HASH}/checkpoint")).text
            answer = await add(http, data)
            assert answer.status_code == status, answer.text
            assert (await http.get(f"/{HASH}/checkpoint")).text == kept
            assert (await add(http, asked(10, 12))).status_code == 200
            return answer


async def test_a_fork_is_refused(tmp_path):
    """Covers: AUDIT §4, AUDIT §6.8."""
    await refused(tmp_path, asked(10, 15, FORKED), 422)


async def test_another_root_for_the_same_size_is_refused(tmp_path):
    answer = await refused(tmp_path, asked(10, 10, FORKED), 409)
    assert (answer.headers["content-type"], answer.text) == ("text/x.tlog.size", "10\n")


@pytest.mark.parametrize(("old", "size"), [(0, 15), (9, 15), (11, 15), (0, 9), (5, 9)])
async def test_who_proves_from_elsewhere_is_told_the_size(tmp_path, old, size):
    """A rollback too: whatever the log shows, it has to begin at what was cosigned."""
    answer = await refused(tmp_path, asked(old, size), 409)
    assert (answer.headers["content-type"], answer.text) == ("text/x.tlog.size", "10\n")


async def test_a_shortened_log_cannot_be_asked_for(tmp_path):
    await refused(tmp_path, b"old 10\n\n" + note(9).encode(), 400)


async def test_other_logs_and_signatures_are_refused(tmp_path):
    await refused(tmp_path, asked(0, 3, signer=OTHER), 404)
    stranger = NoteSigner("audit.example/log1", b"\x09" * 32)
    await refused(tmp_path / "again", asked(10, 15, signer=stranger), 403)


def _proof_too_long():
    head, _, rest = asked(10, 15).partition(b"\n\n")
    return head + b"\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" + b"\n\n" + rest


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400), (b"\xff\xfe", 400), (b"old 10\n\nnot a note", 400), (b"old 010\n\n" + note(12).encode(), 400),
        (b"old -1\n\n" + note(12).encode(), 400), (b"old 10\nAAAA\n\n" + note(12).encode(), 400),
        (b"old 10\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n" + note(12).encode(), 400),
        (b"x" * 100_000, 400), (b"old 10\n\n" + note(12).encode(), 422), (_proof_too_long(), 422),
    ],
)  # fmt: skip
async def test_a_request_that_is_not_well_formed(tmp_path, data, status):
    answer = await refused(tmp_path, data, status)
    assert answer.text.endswith("\n")


async def test_other_paths_and_methods(tmp_path):
    with witness_in(tmp_path) as witness:
        async with client(witness) as http:
            for method, path, status, allowed in (
                ("GET", "/add-checkpoint", 405, "POST"), ("POST", "/", 405, "GET"), ("GET", "/", 404, None),
                ("GET", "/../seed", 404, None), ("GET", f"/{HASH}/seed", 404, None),
                ("GET", "/x/checkpoint", 404, None),
            ):  # fmt: skip
                answer = await http.request(method, path)
                assert (answer.status_code, answer.headers.get("allow")) == (status, allowed), path


async def test_several_logs_are_apart(tmp_path):
    with witness_in(tmp_path, LOG, OTHER) as witness:
        async with client(witness) as http:
            assert (await add(http, asked(0, 5))).status_code == 200
            assert (await add(http, asked(0, 3, signer=OTHER))).status_code == 200
            assert (await add(http, asked(5, 6))).status_code == 200


async def test_lines_of_strangers_are_not_kept(tmp_path):
    with witness_in(tmp_path) as witness:
        async with client(witness) as http:
            data = asked(0, 5) + "— stranger.example AAAAAAAAAAAA\n".encode()
            assert (await add(http, data)).status_code == 200
            assert "stranger" not in (await http.get(f"/{HASH}/checkpoint")).text


async def test_it_has_written_before_it_answers(tmp_path, monkeypatch):
    """A cosignature that nobody remembers could be followed by one for another history."""
    with witness_in(tmp_path) as witness:

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(keeper, "write_synced", full)
        with pytest.raises(OSError, match="No space"):
            witness.add(AddCheckpoint.parse(asked(0, 5)))
        monkeypatch.undo()
        with pytest.raises(keeper.Behind):
            witness.add(AddCheckpoint.parse(asked(5, 6)))
    with witness_in(tmp_path) as again:
        again.add(AddCheckpoint.parse(asked(0, 5)))


async def test_two_witnesses_cannot_share_a_memory(tmp_path):
    with witness_in(tmp_path), pytest.raises(InvalidConfiguration, match="Another witness"), witness_in(tmp_path):
        pass


# As a customer runs it


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def started(tmp_path, port, vkey=str(LOG.verifier)):
    (tmp_path / "log.vkey").write_text(vkey)
    command = [
        sys.executable, "-m", "grantline", "witness", str(tmp_path / "w"), "--name", "w.example/1",
        "--log", str(tmp_path / "log.vkey"), "--port", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        lines = [process.stdout.readline(), process.stdout.readline()]
        yield process, lines
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_witness_that_is_killed_remembers(tmp_path):
    """Covers: AUDIT §5.7."""
    port = free_port()
    with started(tmp_path, port) as (process, lines):
        key = WitnessKey.parse(lines[0].removeprefix("witness "))
        assert lines[1] == f"listens on http://127.0.0.1:{port}/\n"
        answer = httpx2.post(f"http://127.0.0.1:{port}/add-checkpoint", content=asked(0, 10))
        assert key in cosigned(note(10) + answer.text, [key])
        process.send_signal(signal.SIGKILL)
    with started(tmp_path, port) as (process, lines):
        assert WitnessKey.parse(lines[0].removeprefix("witness ")) == key
        assert httpx2.post(f"http://127.0.0.1:{port}/add-checkpoint", content=asked(0, 10, FORKED)).status_code == 409
        assert httpx2.post(f"http://127.0.0.1:{port}/add-checkpoint", content=asked(10, 15, FORKED)).status_code == 422
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--log", "{}/none"], "No such file"),
        (["--log", "{}/bad"], "not the key of a log"),
        (["--log", "{}/log.vkey", "--tls-key", "x"], "go together"),
        (["--log", "{}/log.vkey", "--name", "a b"], "no spaces"),
    ],
)
def test_a_mistake_of_whoever_starts_it_is_one_line(tmp_path, more, words):
    (tmp_path / "bad").write_text("nonsense")
    (tmp_path / "log.vkey").write_text(str(LOG.verifier))
    command = [sys.executable, "-m", "grantline", "witness", str(tmp_path / "w"), "--name", "w.example/1"]
    command += [one.format(tmp_path) for one in more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
