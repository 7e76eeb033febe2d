"""The log as files anyone may fetch (C2SP tlog-tiles): `checkpoint`, `tile/…`, `tile/entries/…`, `log.vkey`."""

import re
from pathlib import Path

from grantline.crypto.merkle import HASH_SIZE
from grantline.crypto.note import Checkpoint, InvalidNote, VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, bundle, unbundle
from grantline.ledger.files import write_synced
from grantline.model.errors import NotFound

KEYS = "keys.json"
"""All keys that ever signed for this log, with their times."""
MINIMUM = "minimum"
"""How far the log was pruned; not there if it never was."""
WITNESSED = "checkpoint.witnessed"
"""The newest checkpoint that enough witnesses cosigned; `checkpoint` is the newest of all."""
_NAME = re.compile(
    r"checkpoint(?:\.witnessed)?|log\.vkey|keys\.json|minimum|tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[0-9]{1,3})?"
)


class MissingTile(Exception):
    """A tile that the checkpoint's size needs is not there, or is cut short. The message is its path."""


class Published:
    """One directory of published files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def checkpoint(self) -> str | None:
        """The signed note; None before the first one."""
        try:
            return (self.directory / "checkpoint").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def witnessed(self) -> str | None:
        """The newest note that enough witnesses cosigned; None before the first one."""
        try:
            return (self.directory / WITNESSED).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def last(self) -> Checkpoint | None:
        """The newest checkpoint, to be quoted; None before the first one, and where it cannot be read."""
        note, key = self.checkpoint(), self.vkey()
        try:
            return None if note is None or key is None else open_checkpoint(note, VerifierKey.parse(key))
        except InvalidNote:
            return None

    def vkey(self) -> str | None:
        """The key as published here; None if it is not. Who doubts the operator takes the key from elsewhere."""
        try:
            return (self.directory / "log.vkey").read_text(encoding="ascii")
        except FileNotFoundError:
            return None

    def tile(self, tile: Tile) -> bytes:
        """The tile's bytes; a partial one is cut from the full one when only that is left. Raises `MissingTile`."""
        try:
            return (self.directory / tile.path).read_bytes()
        except FileNotFoundError:
            return self._cut(tile)

    def minimum(self) -> int:
        """The minimum index: entries below it were pruned (C2SP tlog-tiles); 0 if none were."""
        try:
            return int((self.directory / MINIMUM).read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0

    def set_minimum(self, index: int) -> None:
        """A multiple of 256, and never less than before."""
        if index % WIDTH or index < self.minimum():
            raise ValueError(f"{index} is no minimum index here")
        self.write(MINIMUM, f"{index}\n".encode())

    def drop_bundles(self, below: int) -> None:
        """Bundles of entries that are all below this index go; tiles of hashes stay."""
        for n in range(below // WIDTH - 1, -1, -1):
            path = self.directory / Tile(ENTRIES, n).path
            if not path.exists():
                return
            path.unlink()

    def read(self, name: str) -> bytes:
        """A published file by its path. Raises `NotFound`, also for a path that is not in the log's own form."""
        if not _NAME.fullmatch(name):
            raise NotFound("There is nothing here.")
        try:
            return (self.directory / name).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound("There is nothing here.") from error

    def has(self, tile: Tile) -> bool:
        """True if the tile, or the full one it is part of, is there with all its bytes."""
        try:
            data = self.tile(tile)
        except MissingTile:
            return False
        return tile.level == ENTRIES or len(data) == tile.width * HASH_SIZE

    def write(self, name: str, data: bytes) -> None:
        """Put one file in place, whole and synced."""
        write_synced(self.directory / name, data)

    def drop_partials(self, tile: Tile) -> None:
        """The full tile is there: its partial ones may go."""
        parent = (self.directory / tile.path).with_name((self.directory / tile.path).name + ".p")
        if parent.is_dir():
            for each in parent.iterdir():
                each.unlink()
            parent.rmdir()

    def _cut(self, tile: Tile) -> bytes:
        try:
            if tile.width == WIDTH:
                raise FileNotFoundError
            whole = (self.directory / Tile(tile.level, tile.n).path).read_bytes()
        except FileNotFoundError as error:
            raise MissingTile(tile.path) from error
        return bundle(unbundle(whole)[: tile.width]) if tile.level == ENTRIES else whole[: tile.width * HASH_SIZE]
