"""What gateways hear of an app: that it was registered, stopped, or may act again, each once."""

import msgspec

from grantline.parties.clients import Standing
from tests.authorization_world import PUBLIC, World


async def test_each_change_of_standing_is_an_entry_and_nothing_else_is(world: World) -> None:
    """Covers: idea 2, line 5."""
    client = msgspec.structs.replace(PUBLIC, id="newcomer")
    stopped = msgspec.structs.replace(client, status=Standing.DISABLED)
    renamed = msgspec.structs.replace(client, name="Another name")
    await world.register(client, client, stopped, stopped, client, renamed)
    told = [entry for entry in await world.feed() if entry["id"] == "newcomer"]
    assert [entry["cause"] for entry in told] == ["client_changed", "client_quarantined", "client_changed"]
    assert [entry["before_position"] for entry in told] == [None, [1, told[1]["seq"]], None]
