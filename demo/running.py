"""Starts the world and waits until every part of it answers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from demo.world import BANK, CALENDAR, World
from grantline.app.places import Places
from grantline.app.setup import admit
from grantline.app.state import open_state
from grantline.cli.supervisor import Supervisor
from grantline.gateway.adapters.envoy_config import EnvoySettings, write_bootstrap
from grantline.model.ids import ApiId

PATIENCE_S = 60.0
BANK_API = ApiId("bank")


class NotUp(Exception):
    """Something did not start; the message says what, and where its log is."""


@asynccontextmanager
async def running(world: World, say: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    """The world, answering; everything is stopped again on the way out."""
    prepare(world)
    await admit(world.data, (CALENDAR,))
    supervisor = Supervisor(world.programs(), say)
    task = asyncio.create_task(supervisor.run())
    try:
        await until_up(world, task, say)
        yield supervisor
    finally:
        supervisor.stop()
        await asyncio.gather(task, return_exceptions=True)


def prepare(world: World) -> None:
    """Write every file and apply the declaration."""
    world.write()
    (world.data / "log").mkdir(exist_ok=True, mode=0o700)
    places = Places(world.data)
    write_bootstrap(
        EnvoySettings(
            port=world.ports["bank_gateway"],
            upstream_host="127.0.0.1",
            upstream_port=world.ports["bank"],
            decision_socket=places.decision_socket(BANK_API),
            minimiser_socket=places.minimiser_socket(BANK_API),
            access_log=world.envoy_log,
        ),
        world.envoy_bootstrap,
    )
    applied = subprocess.run(
        [sys.executable, "-m", "grantline", "apply", "-f", str(world.declaration), "--data", str(world.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    if applied.returncode != 0:
        raise NotUp(applied.stderr.strip())


async def until_up(world: World, task: "asyncio.Task[None]", say: Callable[[str], None]) -> None:
    """Return when every port answers; raises `NotUp` naming the one that does not."""
    for name in ("authority", "bank", "bank_gateway", "calendar", "budget"):
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not await _answers(world.ports[name]):
            if task.done():
                task.result()
                raise NotUp("The world ended before it was up.")
            if asyncio.get_running_loop().time() > deadline:
                raise NotUp(f"{name} does not answer on port {world.ports[name]}; see {world.logs}")
            await asyncio.sleep(0.05)
        say(f"{name} answers at {world.address(name)}")
    await _until_followed(world, say)


async def _until_followed(world: World, say: Callable[[str], None]) -> None:
    """Both gateways follow the feed: before that they refuse every call."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    async with open_state(world.data) as state:
        following: set[str] = set()
        while following != {BANK, CALENDAR}:
            if asyncio.get_running_loop().time() > deadline:
                raise NotUp(f"only {sorted(following)} follow the feed; see {world.logs}")
            await asyncio.sleep(0.1)
            following = {str(row.gateway) for row in await state.read(lambda tx: tx.gateways.sessions.waiting())}
    say("both gateways follow the feed")


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def processes_below(root: int) -> dict[int, str]:
    """Every process that descends from `root`: process id → command line."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: dict[int, str] = {}
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found[child] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            waiting.append(child)
    return found


def process_of(marker: str) -> int:
    """The one process of this world whose command line ends with `marker`, told apart from what leashes it."""
    found = [
        pid
        for pid, line in processes_below(os.getpid()).items()
        if line.strip().endswith(marker) and "leash" not in line
    ]
    if len(found) != 1:
        raise NotUp(f"{len(found)} processes end with {marker!r}")
    return found[0]
