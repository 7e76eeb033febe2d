"""What every implementation of the store of exchanged tokens has to do. Say how a unit runs."""

from grantline.authorization.store import ExchangedRow
from grantline.model.ids import ConsentId, TokenId
from grantline.testing.running import Run


def _row(token: str, made_from: str, expires_at: int = 100) -> ExchangedRow:
    return ExchangedRow(TokenId(token), TokenId(made_from), ConsentId("g_part"), expires_at)


class ExchangedStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_what_was_made_from_a_token_is_found_one_step_at_a_time(self, run: Run) -> None:
        """Covers: check 150."""
        kept = (_row("b", "a"), _row("c", "a"), _row("d", "c"))
        for row in kept:
            await run(lambda tx, row=row: tx.exchanged.add(row))  # type: ignore[misc]
        assert await run(lambda tx: tx.exchanged.made_from(TokenId("a"))) == kept[:2]
        assert await run(lambda tx: tx.exchanged.made_from(TokenId("c"))) == kept[2:]
        assert await run(lambda tx: tx.exchanged.made_from(TokenId("d"))) == ()

    async def test_what_is_over_is_forgotten_and_nothing_else(self, run: Run) -> None:
        """A token that expires in the very second stays."""
        for number in (1, 2, 3):
            row = _row(f"t{number}", "a", 100 + number)
            await run(lambda tx, row=row: tx.exchanged.add(row))  # type: ignore[misc]
        assert await run(lambda tx: tx.exchanged.sweep(102)) == 1
        assert [row.token for row in await run(lambda tx: tx.exchanged.made_from(TokenId("a")))] == ["t2", "t3"]
