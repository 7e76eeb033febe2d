"""What every implementation of the stores behind grants without a browser has to do. Say how a unit runs."""

from typing import Any

import msgspec

from grantline.authorization import TrustedIssuer
from grantline.consent.store import Descent
from grantline.model.consent import State, Status
from grantline.model.ids import ClientId, ConsentId, PersonId, SubjectId
from grantline.testing.running import Run

PARENT = ConsentId("g_parent")


def _descent(name: str, **changes: Any) -> Descent:
    whole = Descent(
        consent=ConsentId(name), parent=PARENT, epoch=1, client=ClientId("otto"), digest="d", expires_at=100
    )
    return msgspec.structs.replace(whole, **changes)


def _state(name: str, client: str, created_at: int) -> State:
    return State(
        consent_id=ConsentId(name), person=PersonId("p"), subject=SubjectId("pw"), client=ClientId(client),
        status=Status.ACTIVE, version=1, epoch=1, min_epoch=1, confirmed_at=1, created_at=created_at,
    )  # fmt: skip


class GrantStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_what_was_passed_on_is_found_by_whole_epoch_and_receiver(self, run: Run) -> None:
        """Covers: I10."""
        kept = (_descent("a"), _descent("b", digest="e"), _descent("c", epoch=2), _descent("d", client="other"))
        for one in (*kept, _descent("e", parent="g_other")):
            await run(lambda tx, one=one: tx.descents.add(one))  # type: ignore[misc]
        assert await run(lambda tx: tx.descents.of(PARENT, 1, ClientId("otto"))) == kept[:2]
        assert set(await run(lambda tx: tx.descents.children(PARENT))) == set(kept)
        assert await run(lambda tx: tx.descents.children(ConsentId("g_none"))) == ()

    async def test_consents_are_found_by_the_name_that_a_client_knows(self, run: Run) -> None:
        """Newest first, and only this client's: another may know somebody else by that name."""
        for one in (_state("g_1", "app", 1), _state("g_2", "app", 2), _state("g_3", "other", 3)):
            await run(lambda tx, one=one: tx.consents.add(one))  # type: ignore[misc]
        found = await run(lambda tx: tx.consents.of_subject(SubjectId("pw"), ClientId("app")))
        assert [state.consent_id for state in found] == ["g_2", "g_1"]
        assert await run(lambda tx: tx.consents.of_subject(SubjectId("no"), ClientId("app"))) == ()

    async def test_a_trusted_issuer_comes_back_as_it_was_declared_last(self, run: Run) -> None:
        """One declaration for each issuer."""
        first = TrustedIssuer(issuer="https://a.example", clients=("x",), jwks=({"kty": "EC"},), people={"1": "ada"})
        second = msgspec.structs.replace(first, clients=("y",))
        for at, one in enumerate((first, second)):
            await run(lambda tx, one=one, at=at: tx.issuers.put(one, at))  # type: ignore[misc]
        assert await run(lambda tx: tx.issuers.get("https://a.example")) == second
        assert await run(lambda tx: tx.issuers.get("https://b.example")) is None
