"""Cut-offs and position on disk, in one atomic write: a position without its table is no position."""

import hashlib
from pathlib import Path

import msgspec

from grantline.crypto.custody.file import write_private
from grantline.gateway.cutoffs import SavedTable
from grantline.model.reading import decoded


class _File(msgspec.Struct, frozen=True):
    """`sha256`: hex digest of the exact bytes of `table`."""

    sha256: str
    table: msgspec.Raw


class TableFile:
    """The saved table of one gateway."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, table: SavedTable) -> None:
        """Replace the file by this table, whole or not at all."""
        body = msgspec.json.encode(table)
        whole = msgspec.json.encode(_File(hashlib.sha256(body).hexdigest(), msgspec.Raw(body)))
        write_private(self._path, whole)

    def load(self) -> SavedTable | None:
        """The table as saved; None if there is none or a single byte of it is wrong: then the feed is taken anew."""
        try:
            file = decoded(self._path.read_bytes(), _File)
            body = bytes(file.table)
            if hashlib.sha256(body).hexdigest() != file.sha256:
                return None
            return decoded(body, SavedTable)
        except (OSError, msgspec.MsgspecError):
            return None
