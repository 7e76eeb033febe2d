"""Logs as directories, honest and hostile: whoever holds the log's key can write anything here and sign it."""

import base64
import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grantline.crypto.merkle import leaf_hash, tree_root
from grantline.crypto.note import Checkpoint, NoteSigner
from grantline.crypto.tiles import ENTRIES, WIDTH, bundle, tile_root, tiles

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "verifier" / "grantline_verify.py"
ORIGIN = "audit.example/log1"
LOG = NoteSigner(ORIGIN, b"\x01" * 32)


def program() -> ModuleType:
    """The verifier as a module of its own, fresh, so that a test may weaken it."""
    spec = importlib.util.spec_from_file_location("grantline_verify", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Witness:
    """A witness with a key of its own (C2SP tlog-cosignature, cosignature/v1)."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name, self._key = name, Ed25519PrivateKey.from_private_bytes(seed)
        data = b"\x04" + self._key.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        self.vkey = f"{name}+{self._id.hex()}+{base64.b64encode(data).decode()}"

    def cosign(self, note: str, moment: int) -> str:
        """The note with this witness's line."""
        body = note.rpartition("\n\n")[0] + "\n"
        signature = self._key.sign(f"cosignature/v1\ntime {moment}\n{body}".encode())
        blob = base64.b64encode(self._id + moment.to_bytes(8, "big") + signature).decode()
        return f"{note}— {self.name} {blob}\n"


W1, W2 = Witness("witness.example/w1", b"\x02" * 32), Witness("witness.example/w2", b"\x03" * 32)


def entries(count: int, **more: Any) -> list[bytes]:
    """Entries as Grantline writes them, as far as a verifier looks at them."""
    return [
        json.dumps({"id": f"e-{at}", "tc": 1_700_000_000_000_000 + at} | more, sort_keys=True).encode()
        for at in range(count)
    ]


def note(found: Sequence[bytes], signer: NoteSigner = LOG, origin: str = ORIGIN) -> str:
    """A signed checkpoint over these entries."""
    return signer.sign(Checkpoint(origin, len(found), tree_root([leaf_hash(one) for one in found])).body())


def write(place: Path, found: Sequence[bytes], text: str | None = None) -> Path:
    """The whole log in a directory, with the log's key beside it."""
    levels = [[leaf_hash(one) for one in found]]
    while len(levels[-1]) >= WIDTH:
        row = levels[-1]
        levels.append([tile_root(row[at : at + WIDTH]) for at in range(0, len(row) - WIDTH + 1, WIDTH)])
    for tile in tiles(len(found)):
        span = slice(tile.n * WIDTH, tile.n * WIDTH + tile.width)
        data = bundle(found[span]) if tile.level == ENTRIES else b"".join(levels[tile.level][span])
        path = place / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    place.mkdir(parents=True, exist_ok=True)
    (place / "checkpoint").write_text(note(found) if text is None else text)
    (place / "log.vkey").write_text(str(LOG.verifier))
    return place
