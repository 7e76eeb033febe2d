"""From the authority's exchange to the gateway's answer: what one write at the one end does at the other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grantline.authorization.families import end_family
from grantline.catalog import Catalog
from grantline.consent import enforced
from grantline.crypto.es256 import SigningKey
from grantline.gateway.compiled import Compiled
from grantline.gateway.enforce import Admitted, Refused
from grantline.model.consent import EnforcedVersion
from grantline.model.feed import Entry
from grantline.model.ids import ClientId, ConsentId
from grantline.model.reasons import Reason
from grantline.parties import read_client
from tests.authorization_world import CALLBACK, World, make_world
from tests.flows.authorization.raw import claims_of
from tests.grants_world import Caller, agent, handing
from tests.unit.enforce.world import World as GatewayWorld
from tests.unit.enforce.world import bundle_content

TARGET = "/accounts/acc-1/transactions"
APP = {
    "id": "open", "name": "Open", "publisher": "Open Ltd", "web": "https://open.example", "dpop_bound": False,
    "redirect_uris": [CALLBACK], "scopes": ["bank.transactions"], "grants": ["authorization_code", "refresh_token"],
}  # fmt: skip


class Joined(GatewayWorld):
    """A gateway of this authority: its keys, its versions, its feed as it stands in the database."""

    def __init__(self, folder: Path, authority: World, issuer: SigningKey) -> None:
        self.authority = authority
        super().__init__(folder)
        self.clock.us = authority.clock.us
        self.issuer = issuer
        names = ("open", "one", "two")
        content = bundle_content(self.catalog, issuer, clients={ClientId(name): "active" for name in names})
        self.gateway.use(Compiled.of(content))

    async def _fetch(self, consent: ConsentId, version: int) -> EnforcedVersion | None:
        apis = tuple(_apis(self.catalog))
        found = await self.authority.database.read(
            lambda tx: enforced.enforced(tx, consent=consent, version=version, apis=apis)
        )
        return None if found is None else enforced.sign(found, self.issuer)

    async def follow(self) -> int:
        """Apply what the authority has committed to its feed; how many entries that were."""
        entries = [msgspec.convert(entry, Entry) for entry in await self.authority.feed()]
        place = self.standing.applied
        assert place is not None
        self.standing.apply(1, entries)
        self.lease()
        return sum(entry.seq > place.seq for entry in entries)

    async def with_token(self, token: str, key: SigningKey | None, **more: Any) -> Admitted | Refused:
        """A call with this token, proven by its key."""
        scheme = "Bearer" if key is None else "DPoP"
        proof = None if key is None else self.proof(token, f"http://127.0.0.1:8443{TARGET}", key=key)
        return await self.decide(TARGET, authorization=f"{scheme} {token}", dpop=proof, **more)


def _apis(catalog: Catalog) -> Any:
    return catalog.file.apis


class Line:
    """A person's token with an app, an agent's from it, another agent's from that."""

    def __init__(self, authority: World, gateway: Joined) -> None:
        self.authority, self.gateway = authority, gateway
        self.tokens: list[str] = []
        self.keys: list[SigningKey | None] = [None]

    async def grow(self, one: Caller, two: Caller) -> None:
        """Exchange, and exchange again."""
        app = read_client(APP)
        await self.authority.register(app, one.client, two.client)
        first = (await self.authority.connect(self.authority.app(app))).access_token
        second = (await one.exchange(self.authority, first)).json()["access_token"]
        assert one.dpop is not None
        proof = handing(self.authority, second, one.dpop, "two")
        third = (await two.exchange(self.authority, second, holder=proof)).json()["access_token"]
        self.tokens, self.keys = [first, second, third], [None, one.dpop, two.dpop]
        await self.gateway.follow()

    def grant(self, place: int) -> ConsentId:
        return ConsentId(claims_of(self.tokens[place])["grant_id"])

    async def answers(self) -> list[Reason | None]:
        """Why each of the three is refused now; None: it is not."""
        found = [await self.gateway.with_token(token, key) for token, key in zip(self.tokens, self.keys, strict=True)]
        return [one.deny.because if isinstance(one, Refused) else None for one in found]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """Authority and gateway over the same catalog, clock and feed."""
    authority = await make_world(tmp_path / "state.db")
    issuer = authority.server.keys.signing
    gateway = Joined(tmp_path, authority, issuer)  # type: ignore[arg-type]
    made = Line(authority, gateway)
    await made.grow(agent("one", subjects=("open",)), agent("two", subjects=("one",)))
    yield made
    await gateway.spool.close()
    await authority.close()


async def test_a_withdrawal_stops_the_person_s_app_and_every_agent_by_one_entry(line: Line) -> None:
    """Covers: check 150; I4, I10, E8; line 2 (ending the parent ends every descendant, also issued JWTs)."""
    assert await line.answers() == [None, None, None]
    person, consents = line.authority.people["ada"], line.authority.server.consents
    grant = line.grant(0)
    await line.authority.database.write(lambda tx: consents.withdraw(tx, consent=grant, person=person))
    assert await line.answers() == [None, None, None], "nothing has reached the gateway yet"
    assert await line.gateway.follow() == 1
    assert await line.answers() == [Reason.GRANT_WITHDRAWN] * 3


async def test_stopping_an_agent_stops_what_it_passed_on_and_nothing_before_it(line: Line) -> None:
    """Covers: check 150; I10, E3."""
    consents, grant = line.authority.server.consents, line.grant(1)
    await line.authority.database.write(lambda tx: consents.revoke(tx, consent=grant, by="operator", why="test"))
    assert await line.gateway.follow() == 1
    assert await line.answers() == [None, Reason.GRANT_REVOKED, Reason.GRANT_REVOKED]


async def test_giving_the_first_family_back_stops_what_came_of_it(line: Line) -> None:
    """Covers: check 119, 150."""
    claims, server = claims_of(line.tokens[0]), line.authority.server
    await line.authority.database.write(
        lambda tx: end_family(server, tx, claims["fam"], claims["grant_id"], why="test", finding=False)
    )
    assert await line.gateway.follow() == 1
    assert await line.answers() == [Reason.TOKEN_INVALID] * 3


async def test_the_upstream_hears_which_person_it_is_and_who_asks(line: Line) -> None:
    """Covers: ARCHITECTURE.md "The upstream": the person's name there is passed on, the client is the agent."""
    answer = await line.gateway.with_token(line.tokens[2], line.keys[2])
    assert isinstance(answer, Admitted)
    context = claims_of(answer.context)
    assert (context["sub"], context["client_id"], context["grant_id"]) == ("b-ada", "two", line.grant(2))
