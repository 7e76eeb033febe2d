"""What every implementation of the store of signing keys has to do. Subclass, and say how a unit is run."""

from msgspec.structs import replace

from grantline.authorization.keys.store import KeyRow, KeyState
from grantline.testing.running import Run

JWK = {"kty": "EC", "kid": "k"}
ROW = KeyRow(kid="k", alg="ES256", state=KeyState.PUBLISHED, custody="file", jwk=JWK, published_at=10)


class SigningKeyStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_keys_come_back_whole_and_oldest_first(self, run: Run) -> None:
        whole = replace(
            ROW, kid="b", state=KeyState.GONE, published_at=5, active_at=6, retired_at=7, verifies_until=8, gone_at=9,
            compromised=True,
        )  # fmt: skip
        assert await run(lambda tx: tx.signing_keys.add(ROW))
        assert await run(lambda tx: tx.signing_keys.add(whole))
        assert await run(lambda tx: tx.signing_keys.all()) == (whole, ROW)

    async def test_of_an_algorithm_one_is_published_and_one_active(self, run: Run) -> None:
        other = replace(ROW, kid="other")
        assert await run(lambda tx: tx.signing_keys.add(ROW))
        assert not await run(lambda tx: tx.signing_keys.add(other))
        assert not await run(lambda tx: tx.signing_keys.add(ROW))
        assert await run(lambda tx: tx.signing_keys.add(replace(other, state=KeyState.ACTIVE)))
        assert await run(lambda tx: tx.signing_keys.add(replace(ROW, kid="third", alg="EdDSA")))
        assert [row.kid for row in await run(lambda tx: tx.signing_keys.all())] == ["k", "other", "third"]

    async def test_retired_and_gone_keys_may_be_many(self, run: Run) -> None:
        for number, state in enumerate((KeyState.RETIRED, KeyState.RETIRED, KeyState.GONE, KeyState.GONE)):
            row = replace(ROW, kid=str(number), state=state)
            assert await run(lambda tx, row=row: tx.signing_keys.add(row))  # type: ignore[misc]

    async def test_a_key_moves_on_only_from_the_state_it_is_in(self, run: Run) -> None:
        active = replace(ROW, state=KeyState.ACTIVE, active_at=20)
        await run(lambda tx: tx.signing_keys.add(ROW))
        assert not await run(lambda tx: tx.signing_keys.move(active, KeyState.RETIRED))
        assert await run(lambda tx: tx.signing_keys.move(active, KeyState.PUBLISHED))
        assert not await run(lambda tx: tx.signing_keys.move(active, KeyState.PUBLISHED))
        assert await run(lambda tx: tx.signing_keys.all()) == (active,)
        assert not await run(lambda tx: tx.signing_keys.move(replace(active, kid="x"), KeyState.ACTIVE))
