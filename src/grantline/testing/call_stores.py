"""What every implementation of the store of calls has to do. Say how a unit runs."""

from grantline.model.ids import ConsentId
from grantline.testing.running import Run

ONE, OTHER = ConsentId("g_1"), ConsentId("g_2")


class CallStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_what_went_out_adds_up_by_consent_and_item(self, run: Run) -> None:
        """And is nothing where nothing went out."""
        for consent, item, calls in ((ONE, "a", 3), (ONE, "a", 4), (ONE, "b", 1), (OTHER, "a", 10)):
            await run(lambda tx, one=consent, name=item, n=calls: tx.calls.give(one, name, n))  # type: ignore[misc]
        assert await run(lambda tx: tx.calls.given(ONE, "a")) == 7
        assert await run(lambda tx: tx.calls.given(ONE, "b")) == 1
        assert await run(lambda tx: tx.calls.given(OTHER, "a")) == 10
        assert await run(lambda tx: tx.calls.given(OTHER, "b")) == 0
