"""Sets the stage, plays all beats in order, writes the report and has it recomputed."""

import shutil
import subprocess
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
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stage = Path(tempfile.mkdtemp(prefix="play-", dir=folder))
    world = World.at(stage)
    pictures = stage / "pictures"
    pictures.mkdir()
    beats = Beats(_say)
    report = report or stage / "report.json"
    async with running(world, _say), browser() as opened:
        story = Story(world, Reporter(world), opened, pictures)
        held = await _all(beats, story)
        figures = await _figures(world, story)
    write(report, beats, figures)
    agreed = subprocess.run([sys.executable, str(RECOMPUTE), str(report)], check=False).returncode == 0
    _say(f"report: {report}")
    _say("All beats held." if held and agreed else "The play did not hold.")
    return 0 if held and agreed else 1


async def _all(beats: Beats, story: Story) -> bool:
    try:
        for name, act in story.beats():
            await beats.play(name, act)
    except Failed:
        return False
    return beats.held


async def _figures(world: World, story: Story) -> dict[str, Any]:
    """What the system says at the end, and where its records lie. The export is taken last: nothing comes after it."""
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
