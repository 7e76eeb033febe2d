"""A token of a consent that was passed on: every whole it is part of has to stand, and to allow the same call."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grantline.gateway.compiled import Compiled
from grantline.gateway.enforce import Admitted, Refused
from grantline.model.consent import EnforcedVersion, Link
from grantline.model.feed import Kind
from grantline.model.ids import ClientId, ConsentId, SubjectId
from grantline.model.reasons import Reason
from grantline.policy import core_texts
from tests.unit.enforce.world import DAY, NOW, TRANSACTIONS, World, bundle_content, transactions_item

G1, G2, G3 = ConsentId("g_1"), ConsentId("g_2"), ConsentId("g_3")
LIN = ((G1, 1), (G2, 1), (G3, 1))
ACT: dict[str, object] = {"sub": "otto", "act": {"sub": "runner", "act": {"sub": "pennywise"}}}


class Line(World):
    """A person's consent with an app, the part of it that a runner got, and the part of that which an agent got."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.made: dict[ConsentId, EnforcedVersion] = {G1: self.version}
        self.use_clients()
        self.pass_on(G2, "runner", (Link(G1, 1, 1),), "runner", ("date", "amount"))
        self.pass_on(G3, "otto", (Link(G1, 1, 1), Link(G2, 1, 1)), "otto", ("date",))

    def use_clients(self, **changed: str) -> None:
        """The registry's word about everyone of the line."""
        names = {"pennywise": "active", "runner": "active", "otto": "active", **changed}
        self.compiled = Compiled.of(
            msgspec.structs.replace(self.content, clients={ClientId(k): v for k, v in names.items()})
        )
        self.gateway.use(self.compiled)

    def pass_on(
        self, grant: ConsentId, client: str, lineage: tuple[Link, ...], agent: str, fields: tuple[str, ...]
    ) -> None:
        """One more version of the line."""
        self.made[grant] = self.agreed(
            transactions_item(fields=fields, resources=("a1",)), consent_id=grant, client=ClientId(client),
            subject=SubjectId(f"pw_{client}"), lineage=lineage, agent=agent,
        )  # fmt: skip

    async def _fetch(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        self.fetched += 1
        return self.made.get(consent)

    async def as_otto(self, target: str = TRANSACTIONS, **changes: Any) -> Admitted | Refused:
        """A call by the agent at the end of the line."""
        told = {"client_id": ClientId("otto"), "sub": SubjectId("pw_otto"), "grant_id": G3, "lin": LIN, "act": ACT}
        return await self.decide(target, authorization=f"DPoP {self.token(**{**told, **changes})}")

    async def as_runner(self) -> Admitted | Refused:
        """A call by the one in the middle."""
        return await self.as_otto(
            client_id=ClientId("runner"), sub=SubjectId("pw_runner"), grant_id=G2, lin=LIN[:2], act=ACT["act"]
        )

    async def as_app(self) -> Admitted | Refused:
        """A call by whom the person gave it to."""
        return await self.decide()


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """A gateway before the line, closed afterwards."""
    made = Line(tmp_path)
    yield made
    await made.spool.close()


def reason(answer: Admitted | Refused) -> Reason | None:
    return answer.deny.because if isinstance(answer, Refused) else None


async def test_an_agent_does_what_it_was_passed_on_and_no_more(line: Line) -> None:
    """Covers: E2, E8; I10. The answer is cut to the part's own fields; each whole is fetched once."""
    answer = await line.as_otto()
    assert isinstance(answer, Admitted)
    assert answer.permit.fields == ("date",)
    assert line.fetched == 3
    await line.as_otto()
    assert line.fetched == 3
    assert reason(await line.as_otto(TRANSACTIONS + "?fields=amount")) is Reason.FIELD_NOT_GRANTED
    assert reason(await line.as_otto("/accounts/a2/transactions")) is Reason.RESOURCE_NOT_GRANTED


@pytest.mark.parametrize(
    ("ended", "cause", "left"),
    [
        (G1, Reason.GRANT_WITHDRAWN, ()),
        (G2, Reason.GRANT_REVOKED, ("app",)),
        (G3, Reason.GRANT_WITHDRAWN, ("app", "runner")),
        (G1, Reason.GRANT_SUSPENDED, ()),
        (G1, Reason.GRANT_SUPERSEDED, ()),
    ],
)
async def test_one_entry_ends_a_grant_and_all_that_came_of_it(
    line: Line, ended: ConsentId, cause: Reason, left: tuple[str, ...]
) -> None:
    """Covers: check 150; I4, I10. One feed entry; the reason is that of the ending; what came before lives on."""
    for call in (line.as_app, line.as_runner, line.as_otto):
        assert isinstance(await call(), Admitted)
    line.ends(Kind.GRANT, ended, cause, min_epoch=2)
    calls: dict[str, Callable[[], Any]] = {"app": line.as_app, "runner": line.as_runner, "otto": line.as_otto}
    for name, call in calls.items():
        assert reason(await call()) is (None if name in left else cause), name


async def test_the_family_of_the_first_ends_all(line: Line) -> None:
    """Covers: check 150, 119."""
    place = line.standing.applied
    line.ends(Kind.FAMILY, "f_1", Reason.TOKEN_INVALID, before_position=msgspec.structs.replace(place, seq=9))
    for call in (line.as_app, line.as_runner, line.as_otto):
        assert reason(await call()) is Reason.TOKEN_INVALID


@pytest.mark.parametrize("name", ["pennywise", "runner", "otto"])
async def test_who_is_stopped_takes_along_what_went_through_its_hands(line: Line, name: str) -> None:
    """Covers: D3; check 150. By the feed at once, and by the bundle for whatever is minted later."""
    place = line.standing.applied
    later = msgspec.structs.replace(place, seq=9)
    line.use_clients(**{name: "disabled"})
    assert reason(await line.as_otto()) is Reason.CLIENT_QUARANTINED
    line.use_clients()
    line.ends(Kind.CLIENT, name, Reason.CLIENT_QUARANTINED, before_position=later)
    assert reason(await line.as_otto()) is Reason.CLIENT_QUARANTINED


@pytest.mark.parametrize(
    "lin",
    [(), LIN[1:], LIN[:2], (LIN[0], LIN[2]), ((G1, 2), *LIN[1:]), (*LIN, (ConsentId("g_4"), 1))],
)
async def test_a_token_that_hides_a_part_of_its_lineage_is_refused(line: Line, lin: Any) -> None:
    """Covers: I10: an ending of any whole must meet the token."""
    assert reason(await line.as_otto(lin=lin)) is Reason.TOKEN_INVALID


async def test_a_lineage_that_its_consent_does_not_have_is_refused(line: Line) -> None:
    answer = await line.decide(authorization=f"DPoP {line.token(lin=((G2, 1), (G1, 1)))}")
    assert reason(answer) is Reason.TOKEN_INVALID


async def test_when_the_person_has_to_confirm_the_whole_its_parts_pause(line: Line) -> None:
    """Covers: ARCHITECTURE.md idea 2 (the effective right is the intersection at call time)."""
    line.made[G1] = line.agreed(confirmed_at=NOW - 91 * DAY)
    assert reason(await line.as_otto()) is Reason.CONFIRMATION_DUE
    assert reason(await line.as_runner()) is Reason.CONFIRMATION_DUE


@pytest.mark.parametrize(
    ("narrower", "because"),
    [
        ({"fields": ("amount",)}, Reason.FIELD_NOT_GRANTED),
        ({"resources": ("a2",)}, Reason.RESOURCE_NOT_GRANTED),
        ({"purpose": "tax"}, Reason.PURPOSE_MISMATCH),
        ({"actions": ("pay",)}, Reason.ACTION_NOT_GRANTED),
    ],
)
async def test_a_part_that_is_wider_than_its_whole_gets_only_what_both_allow(
    line: Line, narrower: dict[str, Any], because: Reason
) -> None:
    """Covers: I10. The authority never makes such a part; a gateway does not rely on it."""
    line.made[G1] = line.agreed(transactions_item(**narrower))
    assert reason(await line.as_otto()) is because


async def test_a_rule_against_the_first_client_holds_for_what_it_passed_on(line: Line) -> None:
    rule = '@id("ours.penny") forbid (principal == Grantline::Client::"pennywise", action, resource);'
    texts = core_texts(line.catalog.file.actions, (rule,))
    names = {ClientId(name): "active" for name in ("pennywise", "runner", "otto")}
    told = {"policy": texts.policies, "policy_schema": texts.schema, "policy_hash": texts.hash, "clients": names}
    line.gateway.use(Compiled.of(bundle_content(line.catalog, line.issuer, **told)))
    assert reason(await line.as_otto()) is Reason.POLICY_DENIED


@pytest.mark.parametrize("act", [None, {"sub": "runner"}, {"sub": "somebody", "act": {"sub": "otto"}}])
async def test_only_the_agent_that_the_consent_names_may_act(line: Line, act: Any) -> None:
    """Covers: E1; agent.bounds. No actor at all is the client itself, whose consent it is."""
    expected = None if act is None else Reason.POLICY_DENIED
    assert reason(await line.as_otto(act=act)) is expected


async def test_the_record_names_the_whole_line(line: Line) -> None:
    """Covers: check 149: who acted, and through whose hands."""
    await line.as_otto()
    (event,) = [event for event in await line.events() if event.detail.get("lineage")]
    assert event.detail["lineage"] == [list(link) for link in LIN]
    assert event.detail["actor"] == "otto"


async def test_a_whole_that_cannot_be_had_denies(line: Line) -> None:
    """Covers: I8."""
    del line.made[G1]
    assert reason(await line.as_otto()) is Reason.CONSENT_UNAVAILABLE


async def test_a_call_in_flight_counts_for_every_grant_of_its_line(line: Line) -> None:
    """Covers: I11 (drained)."""
    answer = await line.as_otto()
    assert isinstance(answer, Admitted)
    answer.departure.left()
    line.ends(Kind.GRANT, G1, Reason.GRANT_WITHDRAWN, min_epoch=2)
    assert set(line.standing.busy()) == {G1, G2, G3}
    answer.departure.ended()
    assert line.standing.busy() == ()
