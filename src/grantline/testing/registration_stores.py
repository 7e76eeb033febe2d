"""What every implementation of the stores of registered clients has to do. Subclass, and say how a unit is run."""

from msgspec.structs import replace

from grantline.model.ids import ClientId
from grantline.parties import Client, RegistrationPolicy, RegistrationRow
from grantline.testing.running import Run, each, error_of

APP = Client(id="app", name="Äpp", publisher="P", web="https://p.example")
POLICY = RegistrationPolicy(scopes=("bank.transactions",), bearer=False)
ROW = RegistrationRow(client=ClientId("app"), created_at=10, policy=POLICY, token=b"\x00t", fresh_until=50)


class RegistrationStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_clients_are_told_by_id_until_they_are_forgotten(self, run: Run) -> None:
        """Forgetting one that is not there is harmless."""
        clients = [replace(APP, id=name) for name in ("c", "a", "b")]
        await run(each(lambda tx, row: tx.clients.put(row, 5), clients))
        assert [one.id for one in await run(lambda tx: tx.clients.all())] == ["a", "b", "c"]
        for _ in range(2):
            await run(lambda tx: tx.clients.remove(ClientId("b")))
        assert [one.id for one in await run(lambda tx: tx.clients.all())] == ["a", "c"]

    async def test_whoever_looks_sees_that_something_changed(self, run: Run) -> None:
        """A new registration, a changed one, one that is gone: each time another answer."""
        told = [await run(lambda tx: tx.clients.changed())]
        for unit in (
            lambda tx: tx.clients.put(APP, 5),
            lambda tx: tx.clients.put(replace(APP, id="other"), 5),
            lambda tx: tx.clients.put(replace(APP, name="New"), 6),
            lambda tx: tx.clients.remove(ClientId("other")),
        ):
            await run(unit)
            told.append(await run(lambda tx: tx.clients.changed()))
        assert told == [(0, 0), (5, 1), (5, 2), (6, 2), (6, 1)]

    async def test_how_a_client_came_is_kept_as_it_was_told_last(self, run: Run) -> None:
        """One row for each; a client that was declared has none."""
        await run(each(lambda tx, row: tx.registrations.put(row), (replace(ROW, token=None, settled=True), ROW)))
        assert await run(lambda tx: tx.registrations.get(ROW.client)) == ROW
        assert await run(lambda tx: tx.registrations.count()) == 1
        assert await run(lambda tx: tx.registrations.get(ClientId("declared"))) is None
        await run(lambda tx: tx.registrations.stop(ROW.client))
        assert await run(lambda tx: tx.registrations.get(ROW.client)) == replace(ROW, token=None)
        await run(lambda tx: tx.registrations.remove(ROW.client))
        assert await run(lambda tx: tx.registrations.count()) == 0

    async def test_those_that_nobody_was_asked_for_are_told_oldest_first(self, run: Run) -> None:
        """Whoever is in use is not among them any more."""
        rows = [replace(ROW, client=ClientId(f"c{at}"), created_at=at) for at in (3, 1, 2, 9)]
        await run(each(lambda tx, row: tx.registrations.put(row), rows))
        assert await run(lambda tx: tx.registrations.unsettled(9, limit=9)) == ("c1", "c2", "c3")
        assert await run(lambda tx: tx.registrations.unsettled(9, limit=1)) == ("c1",)
        await run(lambda tx: tx.registrations.settle(ClientId("c1")))
        assert await run(lambda tx: tx.registrations.unsettled(9, limit=9)) == ("c2", "c3")

    async def test_an_initial_token_has_its_uses_and_its_end(self, run: Run) -> None:
        """What it allows is told while it could be spent, and no longer."""
        await run(lambda tx: tx.initial_tokens.put(b"\x00d", POLICY, uses=2, expires_at=100))
        assert await run(lambda tx: tx.initial_tokens.policy(b"\x00d", 99)) == POLICY
        assert await run(lambda tx: tx.initial_tokens.policy(b"\x00d", 100)) is None
        spent = [await run(lambda tx, at=at: tx.initial_tokens.spend(b"\x00d", at)) for at in (100, 99, 99, 99)]  # type: ignore[misc]
        assert spent == [False, True, True, False]
        assert await run(lambda tx: tx.initial_tokens.policy(b"\x00d", 99)) is None
        assert await run(lambda tx: tx.initial_tokens.spend(b"other", 99)) is False

    async def test_initial_tokens_are_kept_once_and_forgotten_when_they_expired(self, run: Run) -> None:
        """A second one under the same digest is refused, and the first stands."""
        for digest, end in ((b"old", 10), (b"new", 20)):
            await run(
                lambda tx, digest=digest, end=end: tx.initial_tokens.put(digest, POLICY, uses=1, expires_at=end)  # type: ignore[misc]
            )
        again = run(lambda tx: tx.initial_tokens.put(b"new", POLICY, uses=9, expires_at=99))
        assert await error_of(again) is not None
        assert await run(lambda tx: tx.initial_tokens.sweep(20)) == 1
        assert [await run(lambda tx: tx.initial_tokens.spend(b"new", 1)) for _ in range(2)] == [True, False]
