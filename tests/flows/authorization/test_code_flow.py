"""From asking to tokens, as an app sees it."""

from tests.authorization_world import World


async def test_a_person_allows_and_the_app_gets_a_bound_token(world: World) -> None:
    """Covers: line 3; checks 95, 105, 110."""
    tokens = await world.connect(world.app())
    assert tokens.token_type == "DPoP"
