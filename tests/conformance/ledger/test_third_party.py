"""Exports are read by verifiers that others wrote: they know C2SP, and nothing of this project."""

import asyncio
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash

from grantline.crypto import merkle
from grantline.ledger.export import export
from grantline.ledger.published import Published
from grantline.ledger.publisher import Publisher
from grantline.ledger.signer import Signer, SignerClient, listen, serve_signer
from grantline.ledger.store import EntryRow, Group
from grantline.storage.sqlite.ledger import SqliteEntryStore

VERIFIER = Path(__file__).parent / "verifier"
SIZES = (0, 1, 255, 256, 257, 65_537)


def add(store, size):
    """Rows up to this size, put in at once."""
    head = store.head()
    frontier = head.frontier.copy()
    bodies = [b'{"n":%d}' % at for at in range(frontier.size, size)]
    rows = [EntryRow(at, f"e-{at}", 1, body) for at, body in enumerate(bodies, frontier.size)]
    for body in bodies:
        frontier.append(merkle.leaf_hash(body))
    store.commit(Group(rows, [], frontier, 1, {}, {}))
    return frontier


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One growing log, exported at each size."""
    data = tmp_path_factory.mktemp("log")
    asyncio.run(grow(data))
    return data


async def grow(data):
    signer = Signer(data / "signer", "ledger.example/log")
    server = await serve_signer(signer, listen(data / "run" / "signer.sock"), os.geteuid())
    store = SqliteEntryStore(data / "ledger.db")
    published = Published(data / "public")
    publisher = Publisher(store, published, SignerClient(data / "run" / "signer.sock"))
    await publisher.recover()
    for size in SIZES:
        if size:
            await publisher.publish(add(store, size))
        export(published, data / str(size))
    store.close()
    server.close()
    signer.close()


def accept(directory):
    """What a reader with only the key does: signature, root, every entry, a proof from every tile."""
    reader = TilesReader(LocalBackend(directory))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string((directory / "log.vkey").read_text().strip()))
    if reader.calculate_root_hash() != checkpoint.root_hash:
        raise ValueError("root")
    for index in range(checkpoint.size):
        if leaf_hash(reader.get_entry(index)) != reader.mth(index, index + 1):
            raise ValueError(f"entry {index}")
    for index in {*range(0, checkpoint.size, 256), *range(max(0, checkpoint.size - 3), checkpoint.size)}:
        proof = reader.get_inclusion_proof(index, checkpoint.size)
        proof.check(leaf_hash(reader.get_entry(index)), checkpoint.root_hash)
    return reader, checkpoint


def accepted(directory):
    """Whatever it is that this verifier does not like."""
    try:
        accept(directory)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("size", SIZES)
def test_an_export_is_accepted(exports, size):
    """Covers: line 6, AUDIT §2."""
    _, checkpoint = accept(exports / str(size))
    assert (checkpoint.origin, checkpoint.size) == ("ledger.example/log", size)


def test_each_export_continues_the_one_before(exports):
    reader, _ = accept(exports / str(SIZES[-1]))
    heads = [accept(exports / str(size))[1] for size in SIZES[1:]]
    for old, new in itertools.pairwise(heads):
        reader.get_consistency_proof(old.size, new.size).check(old.root_hash, new.root_hash)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/entries/000", "tile/1/000.p/1", "tile/0/001.p/1"])
def test_a_changed_byte_is_not_accepted(exports, tmp_path, name):
    shutil.copytree(exports / "257", tmp_path / "log")
    assert accepted(tmp_path / "log")
    path = tmp_path / "log" / name
    data = path.read_bytes()
    path.write_bytes(data[:30] + bytes([data[30] ^ 1]) + data[31:])
    assert not accepted(tmp_path / "log")


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
def test_an_export_is_accepted_by_the_go_checksum_database_code(exports, size, tmp_path):
    """Covers: line 6. The same packages that every Go installation trusts for its module checksums."""
    go = shutil.which("go")
    assert go, "apt-get install golang-go"
    directory = exports / str(size)
    command = [go, "run", ".", str(directory)]
    done = subprocess.run(command, cwd=VERIFIER, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"accepted {size}\n"), done.stderr
    if size:
        shutil.copytree(directory, tmp_path / "log")
        first = next(path for path in sorted((tmp_path / "log" / "tile" / "0").rglob("*")) if path.is_file())
        first.write_bytes(first.read_bytes()[:-1] + b"\x00")
        done = subprocess.run([*command[:-1], str(tmp_path / "log")], cwd=VERIFIER, check=False)
        assert done.returncode != 0
