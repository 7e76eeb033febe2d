"""What time alone ends, in the composed authority."""

from grantline.app.sweeping import sweep
from grantline.identity import Sessions, SessionSettings
from tests.instance_world import Instance


async def test_a_session_that_nobody_uses_is_ended_by_the_sweep_so_that_apps_hear_of_it(house: Instance) -> None:
    """Covers: check 59."""
    work, clock = house.composed.work, house.clock
    await house.visitor().sign_in()
    sessions = Sessions(work, clock)
    told: list[None] = []
    work.after_commit(lambda: told.append(None))

    async def standing() -> int:
        return len(await house.state.read(lambda tx: tx.sessions.over(1 << 40, 0, 10)))

    clock.pass_seconds(SessionSettings().idle - 1)
    await sweep(work, house.composed.server.consents, sessions, clock)
    assert await standing() == 1
    clock.pass_seconds(1)
    told.clear()
    await sweep(work, house.composed.server.consents, sessions, clock)
    assert await standing() == 0
    assert told, "whoever tells apps is woken by the commit"
