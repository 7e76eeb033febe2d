"""Brings the committed tree before the world: tiles first, then the signature, the checkpoint last.

A tile beyond the checkpoint promises nothing, and the signer's proof is read from tiles; so tiles come before the
signature, and whoever sees a checkpoint finds every tile it needs.
"""

import asyncio
import base64
from collections.abc import Callable

import msgspec
import structlog

from grantline.crypto.merkle import EMPTY_ROOT, Frontier, consistency_proof, leaf_hash
from grantline.crypto.note import Checkpoint, VerifierKey, open_checkpoint
from grantline.crypto.tiles import ENTRIES, WIDTH, Tile, bundle, changed, hashes, subtrees, tile_root, tiles
from grantline.ledger.published import KEYS, MissingTile, Published
from grantline.ledger.signer import Refused, SignerClient
from grantline.ledger.store import EntryStore
from grantline.model.errors import AuditUnavailable, InvalidConfiguration

_log = structlog.get_logger(__name__)


class Publisher:
    """Owns the published files. Used by one task at a time."""

    def __init__(self, entries: EntryStore, published: Published, signer: SignerClient) -> None:
        self._entries = entries
        self._published = published
        self._signer = signer
        self._last: Checkpoint | None = None

    @property
    def last(self) -> Checkpoint | None:
        """The last published checkpoint; None before `recover`."""
        return self._last

    async def recover(self) -> None:
        """Come back to what was signed. Raises `InvalidConfiguration` if rows of the signed size are missing.

        The signer's memory decides, not our own files: a restored backup must not pass for the present.
        """
        vkey, note = await self._signer.last()
        if note is None:
            note = await self._signer.sign(0, EMPTY_ROOT, [])
        signed = open_checkpoint(note, VerifierKey.parse(vkey))
        size = self._entries.head().frontier.size
        if size < signed.size or len(self._entries.bodies(signed.size - 1, signed.size)) < min(signed.size, 1):
            raise InvalidConfiguration(
                f"The ledger holds {size} entries but {signed.size} were signed: entries are missing. "
                "Restore the ledger's own files; never the signer's."
            )
        await asyncio.to_thread(self._repair, signed.size)
        await self._write_keys(vkey)
        self._published.write("checkpoint", note.encode())
        self._last = signed

    async def refresh_keys(self) -> None:
        """Publish what a rotation changed: the keys, and the last checkpoint with the signature of the new one."""
        vkey, note = await self._signer.last()
        await self._write_keys(vkey)
        if note is not None:
            self._published.write("checkpoint", note.encode())

    async def _write_keys(self, vkey: str) -> None:
        self._published.write("log.vkey", f"{vkey}\n".encode())
        self._published.write(KEYS, msgspec.json.format(msgspec.json.encode(await self._signer.terms())) + b"\n")

    async def publish(self, frontier: Frontier) -> Checkpoint:
        """Sign and publish this committed state. Raises `Refused` when the signer sees a shrink or a fork."""
        # The signer is asked anew: an answer of it that got lost must not leave us a step behind for ever.
        vkey, note = await self._signer.last()
        if note is None:
            raise Refused("the signer has lost its memory")
        last = open_checkpoint(note, VerifierKey.parse(vkey))
        await asyncio.to_thread(self._write_tiles, last.size, frontier.size)
        proof = await asyncio.to_thread(self._proof, last.size, frontier.size)
        root = frontier.root()
        note = await self._signer.sign(frontier.size, root, proof)
        self._published.write("checkpoint", note.encode())
        self._last = Checkpoint(last.origin, frontier.size, root)
        return self._last

    def _proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, subtrees(new, self._published.tile))

    def _repair(self, size: int) -> None:
        minimum = self._published.minimum()
        for tile in tiles(size):
            pruned = tile.level <= 0 and (tile.n + 1) * WIDTH <= minimum
            if self._published.has(tile) or (pruned and tile.level == ENTRIES):
                continue
            if pruned:
                raise InvalidConfiguration(
                    f"{tile.path} is missing, and the entries that it was made of were pruned. Restore it from a copy."
                )
            self._published.write(tile.path, self._bytes_of(tile))

    def _write_tiles(self, old: int, new: int) -> None:
        for tile in changed(old, new):
            self._published.write(tile.path, self._bytes_of(tile))
            if tile.width == WIDTH:
                self._published.drop_partials(tile)

    def _bytes_of(self, tile: Tile) -> bytes:
        start, end = tile.n * WIDTH, tile.n * WIDTH + tile.width
        if tile.level <= 0:
            bodies = self._entries.bodies(start, end)
            return bundle(bodies) if tile.level == ENTRIES else b"".join(leaf_hash(body) for body in bodies)
        kept = self._narrower(tile)
        below = (Tile(tile.level - 1, n) for n in range(start + len(kept), end))
        return b"".join([*kept, *(tile_root(hashes(self._published.tile(each))) for each in below)])

    def _narrower(self, tile: Tile) -> list[bytes]:
        """Hashes of the widest earlier form of this tile, so that they need not be made again."""
        for width in range(tile.width - 1, 0, -1):
            try:
                return hashes(self._published.tile(tile._replace(width=width)))
            except MissingTile:
                continue
        return []


async def keep_publishing(publisher: Publisher, committed: Callable[[], Frontier | None], every_s: float) -> None:
    """Publish every `every_s` while there is something new. Ends by raising `Refused` if the signer refuses."""
    while True:
        frontier, last = committed(), publisher.last
        if frontier is not None and (last is None or frontier.size != last.size):
            try:
                checkpoint = await publisher.publish(frontier)
                _log.debug("checkpoint", size=checkpoint.size, root=base64.b64encode(checkpoint.root).decode())
            except (OSError, AuditUnavailable) as error:
                _log.warning("checkpoint_delayed", error=str(error))
        await asyncio.sleep(every_s)
