"""A special category of data, from the screen to a token: with its own yes it is minted, without it nothing is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from grantline.model.errors import InvalidRequest
from tests.authorization_world import World, every, handle_of, make_world
from tests.consent_world import sensitive


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One authorization server whose catalog calls transactions a special category."""
    made = await make_world(tmp_path / "state.db", catalog=sensitive("bank.transactions"))
    yield made
    await made.close()


async def test_special_data_is_agreed_to_and_minted_only_with_its_own_yes(world: World) -> None:
    """Covers: I1, I3. The policy that gateways ask is the judge; the request waits until the yes is said."""
    app = world.app()
    begun = await app.begin(scope="bank.transactions")
    session = await world.sign_in()
    handle = handle_of((await world.browse(begun.url)).headers["location"])
    offer = await world.look(handle, session)
    whole = every(offer)
    with pytest.raises(InvalidRequest, match="Say yes to transactions explicitly"):
        await world.interaction.approve(handle, replace(whole, explicit=frozenset()), session, digest=offer.digest)
    tokens = await app.finish(begun, (await world.interaction.approve(handle, whole, session, digest=offer.digest)).url)
    assert [detail["explicit"] for detail in tokens.authorization_details] == [True]
    assert (await app.refresh(tokens.refresh_token)).grant_id == tokens.grant_id
