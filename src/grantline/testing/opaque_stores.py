"""What every implementation of the store of opaque tokens has to do. Say how a unit runs."""

from grantline.authorization.store import OpaqueRow
from grantline.testing.running import Run


class OpaqueStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_token_is_found_by_its_hash_and_as_it_was_kept(self, run: Run) -> None:
        """Bytes in, bytes out; nothing is found by anything else."""
        kept = OpaqueRow(bytes(32), b'{"exp":100}', 100)
        await run(lambda tx: tx.opaque_tokens.put(kept))
        assert await run(lambda tx: tx.opaque_tokens.get(kept.digest)) == kept.claims
        assert await run(lambda tx: tx.opaque_tokens.get(b"\1" * 32)) is None

    async def test_what_is_over_is_forgotten_and_nothing_else(self, run: Run) -> None:
        """A token that expires in the very second stays."""
        for number in (1, 2, 3):
            row = OpaqueRow(bytes([number]) * 32, b"{}", 100 + number)
            await run(lambda tx, row=row: tx.opaque_tokens.put(row))  # type: ignore[misc]
        assert await run(lambda tx: tx.opaque_tokens.sweep(102)) == 1
        found = [await run(lambda tx, n=n: tx.opaque_tokens.get(bytes([n]) * 32)) for n in (1, 2, 3)]  # type: ignore[misc]
        assert found == [None, b"{}", b"{}"]
