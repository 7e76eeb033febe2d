"""Sets the stage, plays all beats in order, writes the report and has it recomputed."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from demo.play.beats import Beats, Failed
from demo.play.report import Reporter, calendar_proxy, write
from demo.play.story import Story
from demo.play.visitor import browser
from demo.running import running
from demo.world import World

RECOMPUTE = Path(__file__).parents[1] / "recompute.py"


async def play(folder: Path, report: Path | None) -> int:
    """Play on a fresh world below `folder`. 0 only if all beats held and the second program agrees."""
    world, pictures = await asyncio.to_thread(_fresh, folder)
    beats = Beats(_say)
    report = report or world.folder / "report.json"
    async with running(world, _say), browser() as opened:
        story = Story(world, Reporter(world), opened, pictures)
        held = await _all(beats, story)
        figures = await _figures(world, story)
    write(report, beats, figures)
    second = await asyncio.create_subprocess_exec(sys.executable, str(RECOMPUTE), str(report))
    agreed = await second.wait() == 0
    _say(f"report: {report}")
    _say("All beats held." if held and agreed else "The play did not hold.")
    return 0 if held and agreed else 1


def _fresh(folder: Path) -> tuple[World, Path]:
    """A world of its own below `folder`, and where its pictures go."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    world = World.at(Path(tempfile.mkdtemp(prefix="play-", dir=folder)))
    pictures = world.folder / "pictures"
    pictures.mkdir()
    return world, pictures


async def _all(beats: Beats, story: Story) -> bool:
    try:
        for name, act in story.beats():
            await beats.play(name, act)
    except Failed:
        return False
    return beats.held


async def _figures(world: World, story: Story) -> dict[str, Any]:
    """What the system says at the end, and where its records lie. The export is taken last: nothing comes after it."""
    await story.settle()
    figures = await story.figures()
    export = world.folder / "export"
    shutil.rmtree(export, ignore_errors=True)
    await story.export(export)
    size, root = await story.reporter.ledger.head()
    places = {
        "export": export,
        "bank_proxy": world.envoy_log,
        "calendar_proxy": calendar_proxy(world),
        "bank_calls": world.call_log("bank"),
        "calendar_calls": world.call_log("calendar"),
    }
    return {
        "data_dir": str(world.data),
        "places": {name: str(path) for name, path in places.items()},
        "screenshots": story.screenshots,
        "ledger": {"size": size, "root": root},
        **figures,
    }


def _say(line: str) -> None:
    print(line, flush=True)
