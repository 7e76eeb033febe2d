"""Whatever happens when: every token verifies for as long as it is valid, and no key signs before its time."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantline.authorization.keys import Keeping, Terms
from grantline.model.ids import GatewayId
from tests.keys_world import KeysWorld

TERMS = Terms(("ES256",), rotate_every=5_000, jwks_max_age=100, longest_token=300)
STEP = st.tuples(
    st.sampled_from(["pass", "pass", "pass", "sign", "wait", "hold", "other"]),
    st.sampled_from([1, 60, 219, 220, 221, 299, 300, 420, 4_780, 5_000]),
)


@dataclass
class Seen:
    """What relying parties and tokens know. `first_seen`: kid → when the JWKS first had it, in unix seconds."""

    first_seen: dict[str, int] = field(default_factory=dict)
    tokens: list[tuple[str, int]] = field(default_factory=list)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=5, max_size=40))
def test_no_token_outlives_its_key_and_no_key_is_used_before_every_copy_has_it(steps: list[tuple[str, int]]) -> None:
    """Covers: check 114."""
    asyncio.run(_run(steps))


async def _run(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = KeysWorld(Path(folder) / "state.db", TERMS)
        processes = [world.keeping, world.process()]
        await world.keeping.start()
        await processes[1].start()
        seen = Seen()
        for what, seconds in steps:
            await _step(world, processes, what, seconds)
            _look(world, processes, seen, sign=what == "sign")
        world.database.close()


async def _step(world: KeysWorld, processes: list[Keeping], what: str, seconds: int) -> None:
    match what:
        case "pass":
            world.clock.pass_seconds(seconds)
        case "wait":
            world.waiting = [GatewayId("bank")]
        case "hold":
            world.waiting = ()
        case "other":
            processes.reverse()
    for process in processes:
        await process.step()
    await processes[0].look()


def _look(world: KeysWorld, processes: list[Keeping], seen: Seen, *, sign: bool) -> None:
    now = world.clock.wall_us() // 1_000_000
    rings = [process.ring for process in processes]
    for ring in rings:
        for key in ring.published:
            seen.first_seen.setdefault(key.kid, now)
    signing = {ring.for_alg("ES256").public.kid for ring in rings}
    assert len(signing) == 1, "two processes that have looked sign alike"
    (kid,) = signing
    initial = next(iter(seen.first_seen))
    assert kid == initial or now >= seen.first_seen[kid] + TERMS.publish_for
    if sign:
        seen.tokens.append((kid, now + TERMS.longest_token))
    for signer, expires in seen.tokens:
        assert expires <= now or all(ring.find(signer) for ring in rings), "a valid token is refused"
