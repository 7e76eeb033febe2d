"""What every implementation of the authorization server's stores has to do. Subclass, and say how a unit is run."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from grantline.authorization.store import Burnt, FamilyRow, TicketKind, TicketRow
from grantline.model.ids import ClientId, ConsentId, FamilyId
from grantline.parties import Client
from grantline.testing.running import Run, error_of

REQUEST, CODE = TicketKind.REQUEST, TicketKind.CODE


def _ticket(digest: bytes = b"d", expires_at: int = 100) -> TicketRow:
    return TicketRow(kind=REQUEST, digest=digest, body=b"body", expires_at=expires_at)


def _family() -> FamilyRow:
    return FamilyRow(
        family=FamilyId("f_1"),
        consent=ConsentId("g_1"),
        client=ClientId("app"),
        secret=b"s" * 32,
        scope="a b",
        resources=("https://one.example", "https://two.example"),
        jkt=None,
        created_at=10,
        expires_at=1_000,
    )


def _keeping(row: FamilyRow) -> Callable[[Any], Awaitable[Any]]:
    return lambda tx: tx.families.put(row)


class AuthorizationStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_ticket_is_found_by_its_kind_alone(self, run: Run) -> None:
        """Covers: check 124."""
        await run(lambda tx: tx.tickets.put(_ticket()))
        assert await run(lambda tx: tx.tickets.get(REQUEST, b"d")) == _ticket()
        assert await run(lambda tx: tx.tickets.get(CODE, b"d")) is None
        assert await run(lambda tx: tx.tickets.redeem(CODE, b"d", 1)) is False

    async def test_a_ticket_is_redeemed_once_and_in_time(self, run: Run) -> None:
        """Covers: check 63, 84."""
        await run(lambda tx: tx.tickets.put(_ticket()))
        assert await run(lambda tx: tx.tickets.redeem(REQUEST, b"d", 100)) is False
        assert await run(lambda tx: tx.tickets.redeem(REQUEST, b"d", 99, "allowed g_1")) is True
        assert await run(lambda tx: tx.tickets.redeem(REQUEST, b"d", 99)) is False
        row = await run(lambda tx: tx.tickets.get(REQUEST, b"d"))
        assert (row.redeemed_at, row.outcome) == (99, "allowed g_1")

    async def test_a_ticket_is_bound_noted_and_reached_by_the_first(self, run: Run) -> None:
        """Covers: check 38, 40."""
        await run(lambda tx: tx.tickets.put(_ticket()))
        assert await run(lambda tx: tx.tickets.bind(REQUEST, b"d", "ada")) is True
        assert await run(lambda tx: tx.tickets.bind(REQUEST, b"d", "ada")) is True
        assert await run(lambda tx: tx.tickets.bind(REQUEST, b"d", "ben")) is False
        await run(lambda tx: tx.tickets.note(REQUEST, b"d", b"first"))
        await run(lambda tx: tx.tickets.note(REQUEST, b"d", b"second"))
        await run(lambda tx: tx.tickets.arrive(REQUEST, b"d", "s1"))
        await run(lambda tx: tx.tickets.arrive(REQUEST, b"d", "s2"))
        row = await run(lambda tx: tx.tickets.get(REQUEST, b"d"))
        assert (row.bound, row.notes, row.arrived) == ("ada", b"first", "s1")

    async def test_only_past_tickets_are_forgotten(self, run: Run) -> None:
        """Covers: check 32."""
        await run(lambda tx: tx.tickets.put(_ticket(b"old", 10)))
        await run(lambda tx: tx.tickets.put(_ticket(b"new", 20)))
        assert await run(lambda tx: tx.tickets.sweep(20)) == 1
        assert await run(lambda tx: tx.tickets.get(REQUEST, b"new")) is not None

    async def test_a_family_advances_by_one_and_ends_once(self, run: Run) -> None:
        """Covers: check 85, 86."""
        await run(lambda tx: tx.families.put(_family()))
        assert await run(lambda tx: tx.families.get(FamilyId("f_1"))) == _family()
        assert await run(lambda tx: tx.families.advance(FamilyId("f_1"), 1, 50)) is True
        assert await run(lambda tx: tx.families.advance(FamilyId("f_1"), 1, 51)) is False
        row = await run(lambda tx: tx.families.get(FamilyId("f_1")))
        assert (row.generation, row.rotated_at) == (2, 50)
        assert await run(lambda tx: tx.families.end(FamilyId("f_1"), 60)) is True
        assert await run(lambda tx: tx.families.end(FamilyId("f_1"), 61)) is False
        assert await run(lambda tx: tx.families.advance(FamilyId("f_1"), 2, 62)) is False
        assert await run(lambda tx: tx.families.end(FamilyId("f_none"), 61)) is False

    async def test_the_living_families_of_a_consent_are_those_that_were_not_ended(self, run: Run) -> None:
        """Other consents' families are not among them."""
        named = [FamilyId(f"f_{number}") for number in (1, 2, 3)]
        consents = [_family().consent, _family().consent, ConsentId("g_other")]
        for name, consent in zip(named, consents, strict=True):
            row = msgspec.structs.replace(_family(), family=name, consent=consent)
            await run(_keeping(row))
        assert set(await run(lambda tx: tx.families.living(_family().consent))) == set(named[:2])
        assert await run(lambda tx: tx.families.end(named[0], 60)) is True
        assert await run(lambda tx: tx.families.living(_family().consent)) == (named[1],)
        assert await run(lambda tx: tx.families.living(ConsentId("g_none"))) == ()

    async def test_what_is_burned_counts_once_for_its_purpose(self, run: Run) -> None:
        """Covers: check 76, 99."""

        async def burn(purpose: str, digest: bytes) -> Burnt:
            unit = lambda tx: tx.burned.burn(purpose, digest, 100, now=1, capacity=10)  # noqa: E731
            return Burnt(await run(unit))

        assert await burn("proof", b"a") is Burnt.FRESH
        assert await burn("proof", b"a") is Burnt.SPENT
        assert await burn("assertion", b"a") is Burnt.FRESH

    async def test_full_means_full_until_something_is_past(self, run: Run) -> None:
        """Covers: line 3 (with the cache full)."""

        async def burn(digest: bytes, now: int) -> Burnt:
            unit = lambda tx: tx.burned.burn("proof", digest, 100, now=now, capacity=2)  # noqa: E731
            return Burnt(await run(unit))

        assert [await burn(one, 1) for one in (b"a", b"b", b"c", b"a")] == [
            Burnt.FRESH, Burnt.FRESH, Burnt.FULL, Burnt.SPENT,
        ]  # fmt: skip
        assert await run(lambda tx: tx.burned.keep("revoked", b"z", 100)) is True
        assert await burn(b"c", 101) is Burnt.FRESH

    async def test_what_was_burned_before_takes_no_room_however_often_it_comes(self, run: Run) -> None:
        """Covers: line 3. Whoever repeats one proof, or asks one question again and again, crowds nobody out."""

        async def burn(digest: bytes) -> Burnt:
            unit = lambda tx: tx.burned.burn("proof", digest, 100, now=1, capacity=3)  # noqa: E731
            return Burnt(await run(unit))

        async def undone(tx: Any) -> None:
            await tx.burned.keep("seen", b"undone", 100)
            raise LookupError

        assert await burn(b"a") is Burnt.FRESH
        assert [await burn(b"a") for _ in range(4)] == [Burnt.SPENT] * 4
        assert [await run(lambda tx: tx.burned.keep("proof", b"a", 100)) for _ in range(4)] == [False] * 4
        assert isinstance(await error_of(run(undone)), LookupError)
        assert [await burn(one) for one in (b"b", b"c", b"d")] == [Burnt.FRESH, Burnt.FRESH, Burnt.FULL]

    async def test_what_was_burned_is_forgotten_when_it_no_longer_counts(self, run: Run) -> None:
        """What still counts stays, whichever came first."""
        for digest, until in ((b"long", 100), (b"short", 10)):
            await run(lambda tx, digest=digest, until=until: tx.burned.keep("proof", digest, until))  # type: ignore[misc]
        assert await run(lambda tx: tx.burned.sweep(100)) == 1
        assert await run(lambda tx: tx.burned.has("proof", b"long")) is True
        assert await run(lambda tx: tx.burned.has("proof", b"short")) is False

    async def test_registrations_come_back_as_they_were(self, run: Run) -> None:
        """Covers: line 8."""
        client = Client(id="app", name="App", publisher="P", web="https://p.example", jwks=({"kty": "EC"},))
        await run(lambda tx: tx.clients.put(client, 1))
        assert await run(lambda tx: tx.clients.get(ClientId("app"))) == client
        changed = Client(id="app", name="App 2", publisher="P", web="https://p.example")
        await run(lambda tx: tx.clients.put(changed, 2))
        assert await run(lambda tx: tx.clients.all()) == (changed,)
        assert await run(lambda tx: tx.clients.get(ClientId("none"))) is None
