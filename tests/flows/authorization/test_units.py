"""How often a flow waits for the disk: each wait is a commit, and a person is asked in as few as can be."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from grantline.authorization import Question
from grantline.consent import Offer, Picks
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import NotFound
from tests.authorization_world import World, every, handle_of, query_of
from tests.flows.authorization.raw import REQUEST, exchange, post


class Units:
    """Counts the units of work that write."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written = 0
        write = world.database.write

        async def counted(unit: Callable[[Any], Awaitable[Any]], **how: Any) -> Any:
            self.written += 1
            return await write(unit, **how)

        monkeypatch.setattr(world.database, "write", counted)


async def arrived(world: World, **changes: str) -> str:
    """The handle of a request that the browser brings itself."""
    return handle_of((await world.browse(f"/authorize?{urlencode({**REQUEST, **changes})}")).headers["location"])


async def test_a_whole_flow_writes_three_times(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arriving keeps the request and puts the question, the answer makes the code, the code makes the tokens."""
    session, units = await world.sign_in(), Units(world, monkeypatch)
    handle = await arrived(world, scope="calendar.events")
    assert units.written == 1
    question = await world.interaction.arrive(handle, session)
    assert isinstance(question, Question)
    assert await world.interaction.question(handle, session) == question
    assert units.written == 1
    offer = question.offer
    answer = await world.interaction.approve(handle, every(offer), session, digest=offer.digest)
    assert units.written == 2
    tokens = await post(world, "/token", exchange(query_of(answer)["code"]), SigningKey.generate())
    assert (tokens.status_code, units.written) == (200, 3)
    told = [event.type.value for event in await world.events()]
    assert told[-3:] == ["consent.requested@1", "consent.given@1", "token.issued@1"]


async def test_an_answer_is_read_from_the_offer_in_the_unit_that_records_it(world: World) -> None:
    """What reading it raises undoes the unit: the request waits still, and nothing is told."""
    session = await world.sign_in()
    handle = await arrived(world, scope="calendar.events")
    offer = await world.look(handle, session)
    before = await world.events()

    def unreadable(shown: Offer) -> Picks:
        raise ValueError(shown.digest)

    with pytest.raises(ValueError, match=offer.digest):
        await world.interaction.approve(handle, unreadable, session, digest=offer.digest)
    assert await world.events() == before
    assert await world.look(handle, session) == offer
    assert "code=" in (await world.interaction.approve(handle, every, session, digest=offer.digest)).url


async def test_who_arrives_is_the_one_who_is_asked(world: World) -> None:
    """The question was put where the browser arrived, so nobody else can look at it or answer."""
    await world.sign_in("ada")
    handle = await arrived(world, scope="calendar.events")
    ben = await world.sign_in("ben")
    for act in (world.interaction.question, world.interaction.arrive, world.interaction.refuse):
        with pytest.raises(NotFound):
            await act(handle, ben)


async def test_looking_again_begins_no_second_consent(world: World) -> None:
    """However often the browser comes there is one consent to decide on, and one record that it was asked for."""
    session = await world.sign_in()
    pushed = await post(world, "/par", {**REQUEST, "scope": "calendar.events"}, SigningKey.generate())
    begun = urlencode({"client_id": REQUEST["client_id"], "request_uri": pushed.json()["request_uri"]})
    for _ in range(2):
        handle = handle_of((await world.browse(f"/authorize?{begun}")).headers["location"])
        assert isinstance(await world.interaction.arrive(handle, session), Question)
    asked = [event for event in await world.events() if event.type.value == "consent.requested@1"]
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(session.person))
    assert [event.consent for event in asked] == [state.consent_id]
