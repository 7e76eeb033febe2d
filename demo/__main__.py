"""Runs the demonstration: `python -m demo --data DIR [--play] [--report FILE]`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from demo.running import NotUp, running
from demo.world import PEOPLE, World
from grantline.model.errors import GrantlineError


def main() -> int:
    """Exit code 0: stopped by the person, or all beats of the play held."""
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--play", action="store_true")
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    try:
        if asked.play:
            from demo.play import play

            return asyncio.run(play(asked.data, asked.report))
        return asyncio.run(stay(World.at(asked.data)))
    except (NotUp, GrantlineError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


async def stay(world: World) -> int:
    """Run the world until Ctrl-C."""
    stop = asyncio.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    print("Starting a bank, a calendar, an app, an Envoy and Grantline on this machine …", flush=True)
    starting = asyncio.create_task(_run(world, stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done() and not stop.is_set():
        starting.cancel()
    await starting
    print("Everything has stopped. The data is kept in", world.folder, flush=True)
    return 0


async def _run(world: World, stop: asyncio.Event) -> None:
    async with running(world, lambda line: print(f"  {line}", flush=True)):
        print(_where_to_click(world), flush=True)
        await stop.wait()
        print("\nStopping …", flush=True)


def _where_to_click(world: World) -> str:
    accounts = "\n".join(
        f"     {name:<9} {password:<24} {shown}"
        for (name, shown), password in zip(PEOPLE, world.passwords().values(), strict=True)
    )
    return f"""
Ready. Everything listens on this machine only.

  1. Connect an app:     {world.address("budget")}
  2. Your connections:   {world.address("authority")}/connections

  Sign in as
{accounts}

Ctrl-C stops everything and keeps the data in {world.folder}
"""


if __name__ == "__main__":
    sys.exit(main())
