"""`grantline demo`: the demonstration world. It is no part of the installed package; it runs from the checkout."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from grantline.model.errors import InvalidConfiguration

CHECKOUT = Path(__file__).parents[3]


def demo(
    data: Annotated[Path | None, typer.Option("--data", help="Where the world is kept; otherwise in .demo.")] = None,
    play: Annotated[bool, typer.Option("--play", help="Let the story play itself, headless, and judge it.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write what was seen and measured there (JSON).")
    ] = None,
) -> None:
    """Start a bank, a calendar, an app and everything between them on loopback. Ctrl-C stops it and keeps the data."""
    if not (CHECKOUT / "demo" / "__main__.py").exists():
        raise InvalidConfiguration("The demonstration comes with Grantline's source: run scripts/demo there.")
    if report is not None and not play:
        raise InvalidConfiguration("--report tells of a play: add --play")
    arguments = ["--data", str((data or CHECKOUT / ".demo").absolute())]
    arguments += ["--play"] if play else []
    arguments += ["--report", str(report.absolute())] if report else []
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", "demo", *arguments])  # noqa: S606 - becoming it is the point
