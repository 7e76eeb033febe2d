"""The command line that the benches of a whole world share: numbers, a folder to write in, one JSON object."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any


def program(name: str, about: str | None, run: Callable[..., Awaitable[Any]], **numbers: float) -> None:
    """Print {name: what `run(folder, …)` found}.

    `numbers`: options of the program with what they are if not given, handed to `run` by name. `--directory` is where
    the folder is made.
    """
    parser = argparse.ArgumentParser(description=(about or "").split("\n", 1)[0])
    for option, usual in numbers.items():
        parser.add_argument(f"--{option}", type=type(usual), default=usual)
    parser.add_argument("--directory", type=Path, help="where to write; its disk is the one that is measured")
    told = vars(parser.parse_args())
    with tempfile.TemporaryDirectory(dir=told.pop("directory")) as folder:
        print(json.dumps({name: asyncio.run(_found(run, Path(folder), told))}))


async def _found(run: Callable[..., Awaitable[Any]], folder: Path, told: dict[str, Any]) -> Any:
    return await run(folder, **told)
