"""The processes of an instance. Each loads its own part only, says when it answers, and ends on SIGTERM."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.cli.ready import announce_ready, stop_on_signals

if TYPE_CHECKING:
    from grantline.settings import Settings

# In the order of their start: each needs those before it. Named, not imported, so that a process loads its own part.
ROLES = {
    "signer": "grantline.app.signer",
    "ledger": "grantline.app.ledger",
    "authority": "grantline.app.authority",
    "gateway": "grantline.app.gateway",
}


def run_role(role: str, settings: "Settings", data: Path, gateway: str | None) -> None:
    """Be that process until told to stop."""
    asyncio.run(_until_told(role, settings, data, {"gateway": gateway} if gateway else {}))


async def _until_told(role: str, settings: "Settings", data: Path, named: dict[str, str]) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await import_module(ROLES[role]).run(settings, data, announce_ready, stop, **named)
