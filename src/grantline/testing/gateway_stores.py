"""What every implementation of the stores of gateways has to do. Subclass, and say how a unit is run."""

from msgspec.structs import replace

from grantline.model.feed import Closure, ClosureState, GatewayClosure
from grantline.model.ids import ClientId, ConsentId, GatewayId, SessionId
from grantline.signals.store import EnrolledGateway, SessionRow
from grantline.testing.running import Run, each, error_of

BANK = GatewayId("bank")
KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}
ENROLLED = EnrolledGateway(gateway=BANK, thumbprint="t_1", jwk=KEY, enrolled_us=10)
SESSION = SessionRow(session=SessionId("s_1"), gateway=BANK, boot="b", opened_us=20)
CLOSURE = Closure(
    seq=5, consent=ConsentId("g_1"), client=ClientId("app"), requested_us=1, committed_us=2, state=ClosureState.CLOSED,
    closed_after_us=3, drained_after_us=None,
    gateways=(GatewayClosure(gateway=BANK, session=SESSION.session, how="acknowledged", after_us=3),),
)  # fmt: skip


class GatewayStores:
    """Each test gets `run`, which runs one unit in a transaction of its own over an empty store."""

    async def test_a_token_to_enrol_is_known_with_its_end_and_its_use(self, run: Run) -> None:
        """It is marked, not forgotten, so that a second use is seen as one."""
        await run(lambda tx: tx.gateways.enrolments.keep_token("h", BANK, 100))
        assert await run(lambda tx: tx.gateways.enrolments.token("h")) == (BANK, 100, None)
        await run(lambda tx: tx.gateways.enrolments.spend_token("h", 50))
        assert await run(lambda tx: tx.gateways.enrolments.token("h")) == (BANK, 100, 50)
        assert await run(lambda tx: tx.gateways.enrolments.token("none")) is None
        again = run(lambda tx: tx.gateways.enrolments.keep_token("h", GatewayId("other"), 200))
        assert await error_of(again) is not None
        assert await run(lambda tx: tx.gateways.enrolments.token("h")) == (BANK, 100, 50)

    async def test_a_gateway_is_known_by_its_newest_key_alone(self, run: Run) -> None:
        """Who enrols anew has left the old key behind."""
        newer = replace(ENROLLED, thumbprint="t_2", enrolled_us=30)
        await run(each(lambda tx, row: tx.gateways.enrolments.enrol(row), (ENROLLED, newer)))
        assert await run(lambda tx: tx.gateways.enrolments.by_thumbprint("t_1")) is None
        assert await run(lambda tx: tx.gateways.enrolments.by_thumbprint("t_2")) == newer
        assert list(await run(lambda tx: tx.gateways.enrolments.gateways())) == [newer]

    async def test_a_key_is_one_gateways(self, run: Run) -> None:
        """Whoever brings another's is not enrolled."""
        other = replace(ENROLLED, gateway=GatewayId("other"))
        await run(lambda tx: tx.gateways.enrolments.enrol(ENROLLED))
        assert await error_of(run(lambda tx: tx.gateways.enrolments.enrol(other))) is not None
        assert list(await run(lambda tx: tx.gateways.enrolments.gateways())) == [ENROLLED]

    async def test_a_removed_gateway_is_unknown_until_it_enrols_anew(self, run: Run) -> None:
        """Removing it twice is told."""
        calendar = replace(ENROLLED, gateway=GatewayId("a-calendar"), thumbprint="t_2")
        await run(each(lambda tx, row: tx.gateways.enrolments.enrol(row), (ENROLLED, calendar)))
        assert list(await run(lambda tx: tx.gateways.enrolments.gateways())) == [calendar, ENROLLED]
        assert [await run(lambda tx: tx.gateways.enrolments.remove(BANK, 40)) for _ in range(2)] == [True, False]
        assert await run(lambda tx: tx.gateways.enrolments.by_thumbprint("t_1")) is None
        assert list(await run(lambda tx: tx.gateways.enrolments.gateways())) == [calendar]
        await run(lambda tx: tx.gateways.enrolments.enrol(ENROLLED))
        assert await run(lambda tx: tx.gateways.enrolments.by_thumbprint("t_1")) == ENROLLED

    async def test_a_session_waits_until_it_is_retired_also_after_its_end(self, run: Run) -> None:
        """Oldest first; only time or an acknowledgement takes it out."""
        newer = replace(SESSION, session=SessionId("s_0"), opened_us=30)
        await run(lambda tx: tx.gateways.enrolments.enrol(ENROLLED))
        await run(each(lambda tx, row: tx.gateways.sessions.open(row), (newer, SESSION)))
        await run(lambda tx: tx.gateways.sessions.ended(SESSION.session, 40))
        assert list(await run(lambda tx: tx.gateways.sessions.waiting())) == [SESSION, newer]
        await run(lambda tx: tx.gateways.sessions.retired(SESSION.session, 50))
        assert list(await run(lambda tx: tx.gateways.sessions.waiting())) == [newer]

    async def test_a_session_is_opened_once_and_by_a_gateway_that_is_known(self, run: Run) -> None:
        """Nothing else could hold a lease."""
        assert await error_of(run(lambda tx: tx.gateways.sessions.open(SESSION))) is not None
        await run(lambda tx: tx.gateways.enrolments.enrol(ENROLLED))
        await run(lambda tx: tx.gateways.sessions.open(SESSION))
        assert await error_of(run(lambda tx: tx.gateways.sessions.open(SESSION))) is not None
        assert list(await run(lambda tx: tx.gateways.sessions.waiting())) == [SESSION]

    async def test_a_closure_is_kept_as_it_was_told_last(self, run: Run) -> None:
        """One for each entry."""
        drained = replace(CLOSURE, drained_after_us=9)
        await run(lambda tx: tx.gateways.closures.keep(1, CLOSURE))
        assert list(await run(lambda tx: tx.gateways.closures.not_drained(4))) == [CLOSURE]
        assert list(await run(lambda tx: tx.gateways.closures.not_drained(5))) == []
        await run(lambda tx: tx.gateways.closures.keep(1, drained))
        assert await run(lambda tx: tx.gateways.closures.of_entry(5)) == drained
        assert await run(lambda tx: tx.gateways.closures.of_entry(6)) is None
        assert list(await run(lambda tx: tx.gateways.closures.not_drained(0))) == []

    async def test_closures_of_a_consent_come_in_their_order(self, run: Run) -> None:
        """And which entries have one is known from any place on."""
        later, other = replace(CLOSURE, seq=8), replace(CLOSURE, seq=7, consent=ConsentId("g_2"))
        await run(each(lambda tx, row: tx.gateways.closures.keep(1, row), (later, other, CLOSURE)))
        assert list(await run(lambda tx: tx.gateways.closures.of_consent(CLOSURE.consent))) == [CLOSURE, later]
        assert await run(lambda tx: tx.gateways.closures.closed_after(5)) == frozenset({7, 8})
        assert list(await run(lambda tx: tx.gateways.closures.of_consent(ConsentId("none")))) == []
