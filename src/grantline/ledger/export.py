"""Writes the log as a directory that any C2SP verifier reads: checkpoint, tiles, bundles and the log's key."""

from pathlib import Path

from grantline.crypto.note import Checkpoint, VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, WIDTH, tiles
from grantline.ledger.published import KEYS, Published
from grantline.model.errors import NotFound


def export(published: Published, directory: Path, *, witnessed: bool = False) -> Checkpoint:
    """Copy everything that the published checkpoint needs. A running ledger may go on meanwhile.

    `witnessed`: the newest checkpoint that enough witnesses cosigned, with their lines.
    Raises `NotFound` before the first checkpoint, `MissingTile` if a tile is gone.
    """
    note, vkey = published.witnessed() if witnessed else published.checkpoint(), published.vkey()
    if note is None or vkey is None:
        raise NotFound(
            "No witnesses have cosigned a checkpoint yet."
            if witnessed
            else "There is no checkpoint yet; start the ledger once."
        )
    checkpoint = open_checkpoint(note, VerifierKey.parse(vkey))
    target = Published(directory)
    minimum = published.minimum()
    for tile in tiles(checkpoint.size):
        if tile.level != ENTRIES or (tile.n + 1) * WIDTH > minimum:
            target.write(tile.path, published.tile(tile))
    if minimum:
        target.set_minimum(minimum)
    target.write("log.vkey", vkey.encode())
    target.write(KEYS, published.read(KEYS))
    target.write("checkpoint", note.encode())
    return checkpoint
