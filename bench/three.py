"""How soon a withdrawal is felt at three gateways: while all of them hear it, and while one is cut off.

    python -m bench.three [--healthy 10] [--partitioned 3] [--rate 60] [--directory DIR]

The world of bench.withdraw, and a second calendar whose gateway reaches the authority over a wire that is cut in the
moment a stop is posted. `--rate`: calls a second at each gateway. Prints {"three": {"healthy": [stop, …],
"partitioned": [stop, …]}}, each stop as in bench.withdraw. The cut gateway admits calls until its lease ends, at most
2 s later, and CLOSED waits for that: the lease and 5 %, and what an upstream's clock may be off (100 ms).
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from bench.calendar_apart import NAME as THIRD
from bench.load import Target
from bench.person import Person
from bench.program import program
from bench.rows import Row, Rows
from bench.stops import ACCOUNT, PATHS, SCOPE, app_of, counted, stopped, told
from bench.watching import PATIENCE_S, ROOT, Paths, loading
from bench.wire import Wire
from demo.ports import choose
from demo.running import running
from demo.world import HERE, World
from grantline.app.setup import admit
from grantline.crypto.es256 import SigningKey

NAME = "three"
FULL = ("--healthy", "10", "--partitioned", "3", "--rate", "60")
QUICK = ("--healthy", "1", "--partitioned", "1", "--rate", "20")
THREE: Paths = {**PATHS, THIRD: (THIRD, "events")}
HEALTHY_MS, LEASE_MS = 250.0, 2_000.0 * 1.05
"""Milliseconds, as ARCHITECTURE.md states them: all gateways well; the one that is cut off."""


class Three(World):
    """The demonstration with one gateway more before the calendar."""

    @classmethod
    def at(cls, folder: Path) -> "Three":
        """As `World.at`, with a port for the third gateway."""
        world = super().at(folder)
        (folder / THIRD).mkdir(exist_ok=True)
        return cls(world.folder, {**world.ports, THIRD: choose(folder / THIRD / "ports.json")["calendar"]})

    def write(self) -> None:
        """The files, with a catalog that assigns the calendar to both gateways."""
        own = 'gateways = ["calendar"]'
        text = (HERE / "catalog.toml").read_text()
        if own not in text:
            raise RuntimeError("the catalog of the demonstration does not assign the calendar as it did")
        (self.folder / "catalog.toml").write_text(text.replace(own, f'gateways = ["calendar", "{THIRD}"]'))
        super().write()

    def _declared(self) -> str:
        return super()._declared().replace(f"{HERE / 'catalog.toml'}", f"{self.folder / 'catalog.toml'}")


@asynccontextmanager
async def third(world: World) -> AsyncIterator[Wire]:
    """The third gateway, and its wire to the authority."""
    await admit(world.data, (THIRD,))
    async with Wire(world.ports["authority"]) as wire:
        told = world._calendar() | {
            "CALENDAR_PORT": str(world.ports[THIRD]),
            "CALENDAR_AUTHORITY": f"http://127.0.0.1:{wire.port}",
        }
        with (world.logs / "third.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.calendar_apart",
                cwd=ROOT,
                env={**os.environ, **told},
                stdout=log,
                stderr=log,
            )
        try:
            yield wire
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def admitting(target: Target, token: str) -> None:
    """Return when the gateway there admits calls."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            status, reason, _, _ = await target.call(token)
        except OSError:
            status, reason = 0, "it does not listen"
        if status == 200:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the third gateway admits nothing: {reason}")
        await asyncio.sleep(0.05)


async def run(folder: Path, healthy: int, partitioned: int, rate: float) -> dict[str, Any]:
    """Start the world, stop so many consents in it each way, and count."""
    world, key = Three.at(folder), SigningKey.generate()
    async with (
        running(world, lambda _: None),
        third(world) as wire,
        httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http,
    ):
        person = Person(http, world.address("authority"))
        await person.sign_in("holder", world.passwords()["holder"])
        app = app_of(world, http, key)
        spare, first, *tokens = [
            await person.allow(app, SCOPE, {"bank": ACCOUNT}) for _ in range(healthy + partitioned + 2)
        ]
        target = Target(THIRD, world.ports[THIRD], f"/{THREE[THIRD][1]}", key)
        await admitting(target, spare.access_token)
        async with loading(world, key, rate, THREE) as watched:
            await stopped(person, watched, first, THREE)  # Opens connections and warms what starts cold.
            well = [await stopped(person, watched, one, THREE) for one in tokens[:healthy]]
            apart = []
            for one in tokens[healthy:]:
                apart.append(await stopped(person, watched, one, THREE, before=wire.cut))
                wire.mend()
                await admitting(target, spare.access_token)
            await watched.end()
        await counted(world, [*well, *apart], watched)
    return {"healthy": well, "partitioned": apart}


def rows(samples: list[dict[str, Any]]) -> list[Row]:
    """Over all stops of each kind together."""
    found = Rows(NAME)
    for kind, cut in (("healthy", HEALTHY_MS), ("partitioned", LEASE_MS)):
        every = [one for sample in samples for one in sample[kind]]
        told(found, every, {**dict.fromkeys(PATHS, HEALTHY_MS), THIRD: cut}, f"{kind}: ")
    return found.all


def main() -> None:
    """Measure and print."""
    program(NAME, __doc__, run, healthy=10, partitioned=3, rate=60.0)


if __name__ == "__main__":
    main()
