"""What every implementation of the stores of ways to sign in has to do. Subclass, and say how a unit is run."""

from dataclasses import replace

from grantline.identity.methods.store import CeremonyRow, LinkRow, PasskeyRow, TotpRow
from grantline.identity.store import PersonRow
from grantline.model.ids import PersonId
from grantline.testing.running import Run, each, error_of

ADA, BEN = PersonId("p_ada"), PersonId("p_ben")
PASSKEY = PasskeyRow("k_1", ADA, "Phone", b"\x00cose\xff", counter=3, synced=True, made_at=10)
APP = TotpRow(ADA, b"\x00sealed", last_step=5, made_at=10)
LINK = LinkRow("https://a.example", "sub", ADA, 10)
BEGUN = CeremonyRow("c_1", "second", ADA, b"\x00body", 100)


async def _know(run: Run) -> None:
    """Both people are kept: everything here is of somebody."""
    people = [PersonRow(one, one, "", None, (), {}) for one in (ADA, BEN)]
    await run(each(lambda tx, row: tx.people.put(row), people))


class SignInStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_passkey_is_kept_once_whoever_brings_it(self, run: Run) -> None:
        """The first keeps it."""
        await _know(run)
        assert await run(lambda tx: tx.passkeys.add(PASSKEY)) is True
        assert await run(lambda tx: tx.passkeys.add(replace(PASSKEY, person=BEN))) is False
        assert await run(lambda tx: tx.passkeys.get("k_1")) == PASSKEY
        assert await run(lambda tx: tx.passkeys.get("none")) is None

    async def test_a_passkeys_count_moves_on_only_from_what_was_read(self, run: Run) -> None:
        """Of two that sign at once with one count, one is told."""
        await _know(run)
        await run(lambda tx: tx.passkeys.add(PASSKEY))
        assert await run(lambda tx: tx.passkeys.used("k_1", 2, 4, 20)) is False
        assert await run(lambda tx: tx.passkeys.used("k_1", 3, 4, 20)) is True
        assert await run(lambda tx: tx.passkeys.used("k_1", 3, 4, 21)) is False
        assert await run(lambda tx: tx.passkeys.get("k_1")) == replace(PASSKEY, counter=4, used_at=20)

    async def test_passkeys_are_listed_oldest_first_and_removed_by_their_person_alone(self, run: Run) -> None:
        """Those that were made at once by their name."""
        rows = [replace(PASSKEY, id=id, made_at=at) for id, at in (("k_b", 2), ("k_a", 2), ("k_c", 1))]
        await _know(run)
        await run(each(lambda tx, row: tx.passkeys.add(row), [*rows, replace(PASSKEY, id="k_ben", person=BEN)]))
        assert [row.id for row in await run(lambda tx: tx.passkeys.of(ADA))] == ["k_c", "k_a", "k_b"]
        assert await run(lambda tx: tx.passkeys.remove(BEN, "k_a")) is False
        assert await run(lambda tx: tx.passkeys.remove(ADA, "k_a")) is True
        assert [row.id for row in await run(lambda tx: tx.passkeys.of(ADA))] == ["k_c", "k_b"]

    async def test_a_person_has_one_app_and_each_step_counts_once(self, run: Run) -> None:
        """An earlier step does not count after a later one."""
        await _know(run)
        await run(each(lambda tx, row: tx.totps.put(row), (replace(APP, last_step=1), APP)))
        assert await run(lambda tx: tx.totps.of(ADA)) == APP
        assert [await run(lambda tx, step=step: tx.totps.used(ADA, step)) for step in (5, 7, 7, 6, 8)] == [  # type: ignore[misc]
            False, True, False, False, True,
        ]  # fmt: skip
        assert await run(lambda tx: tx.totps.used(BEN, 9)) is False
        assert [await run(lambda tx: tx.totps.remove(ADA)) for _ in range(2)] == [True, False]
        assert await run(lambda tx: tx.totps.of(ADA)) is None

    async def test_recovery_codes_are_spent_once_and_replaced_together(self, run: Run) -> None:
        """Nobody spends another's."""
        await _know(run)
        assert await run(lambda tx: tx.recovery_codes.left(ADA)) is None
        await run(lambda tx: tx.recovery_codes.replace(ADA, ("a", "b")))
        spent = [("a", ADA, True), ("a", ADA, False), ("b", BEN, False), ("none", ADA, False)]
        for digest, person, counted in spent:
            unit = lambda tx, digest=digest, person=person: tx.recovery_codes.spend(person, digest, 20)  # noqa: E731
            assert await run(unit) is counted
        assert await run(lambda tx: tx.recovery_codes.left(ADA)) == 1
        await run(lambda tx: tx.recovery_codes.replace(ADA, ("a", "c")))
        assert await run(lambda tx: tx.recovery_codes.left(ADA)) == 2
        assert await run(lambda tx: tx.recovery_codes.spend(ADA, "b", 20)) is False
        await run(lambda tx: tx.recovery_codes.replace(ADA, ()))
        assert await run(lambda tx: tx.recovery_codes.left(ADA)) is None

    async def test_an_account_elsewhere_is_one_persons_and_a_person_has_one_at_each_issuer(self, run: Run) -> None:
        """The name alone is nobody: another issuer may know somebody else by it."""
        elsewhere = LinkRow("https://b.example", "sub", ADA, 5)
        await _know(run)
        assert await run(lambda tx: tx.links.add(LINK)) is True
        assert await run(lambda tx: tx.links.add(replace(LINK, person=BEN))) is False
        assert await run(lambda tx: tx.links.add(replace(LINK, sub="other"))) is False
        assert await run(lambda tx: tx.links.add(elsewhere)) is True
        assert await run(lambda tx: tx.links.find(LINK.issuer, "sub")) == LINK
        assert await run(lambda tx: tx.links.find(LINK.issuer, "other")) is None
        assert await run(lambda tx: tx.links.of(ADA)) == (elsewhere, LINK)
        assert await run(lambda tx: tx.links.remove(BEN, LINK.issuer)) is False
        assert await run(lambda tx: tx.links.remove(ADA, LINK.issuer)) is True
        assert await run(lambda tx: tx.links.of(ADA)) == (elsewhere,)

    async def test_what_was_begun_is_finished_once_in_time_and_as_what_it_was(self, run: Run) -> None:
        """Its kind is part of its name."""
        await run(lambda tx: tx.ceremonies.add(BEGUN))
        for wrong in (("c_1", "other", 99), ("c_1", "second", 100), ("none", "second", 99)):
            assert await run(lambda tx, wrong=wrong: tx.ceremonies.find(*wrong)) is None  # type: ignore[misc]
            assert await run(lambda tx, wrong=wrong: tx.ceremonies.burn(*wrong)) is None  # type: ignore[misc]
        assert await run(lambda tx: tx.ceremonies.find("c_1", "second", 99)) == BEGUN
        assert await run(lambda tx: tx.ceremonies.burn("c_1", "second", 99)) == BEGUN
        assert await run(lambda tx: tx.ceremonies.burn("c_1", "second", 99)) is None
        assert await run(lambda tx: tx.ceremonies.find("c_1", "second", 99)) is None

    async def test_what_was_begun_and_is_over_is_forgotten(self, run: Run) -> None:
        """What is not over stays, also for nobody known."""
        nobody = replace(BEGUN, id="c_2", person=None, ends_at=101)
        await run(each(lambda tx, row: tx.ceremonies.add(row), (BEGUN, nobody)))
        await run(lambda tx: tx.ceremonies.sweep(100))
        assert await run(lambda tx: tx.ceremonies.find("c_1", "second", 1)) is None
        assert await run(lambda tx: tx.ceremonies.find("c_2", "second", 1)) == nobody

    async def test_nothing_is_kept_for_somebody_who_is_not_known(self, run: Run) -> None:
        """Neither a passkey nor an app, a link or a code."""
        for unit in (
            lambda tx: tx.passkeys.add(PASSKEY),
            lambda tx: tx.totps.put(APP),
            lambda tx: tx.links.add(LINK),
            lambda tx: tx.recovery_codes.replace(ADA, ("a",)),
        ):
            assert await error_of(run(unit)) is not None
