"""Options that many commands share."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")

DataOption = Annotated[Path, typer.Option("--data", help="The instance's data directory.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings; see docs/settings.md.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DEFAULT_DATA = Path("grantline-data")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part to its end."""
    return asyncio.run(work)
