"""The processes of an instance. Each loads its own part only, says when it answers, and ends when told to."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.app.ready import announce_ready, stop_on_signals

if TYPE_CHECKING:
    from grantline.settings import Settings

# In the order of their start: each needs those before it. `grantline.app` has a module of this name for each.
ROLES = ("signer", "ledger", "authority", "gateway")


async def run_role(role: str, settings: "Settings", data: Path, gateway: str | None) -> None:
    """Be that process until SIGTERM or SIGINT."""
    import_bare_log()
    stop = asyncio.Event()
    stop_on_signals(stop)
    named = {} if gateway is None else {"gateway": gateway}
    await import_module(f"grantline.app.{role}").run(settings, data, announce_ready, stop, **named)


def import_bare_log() -> None:
    """Import structlog as if rich were not installed: it would load it for a console that no role writes to (3 MiB)."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own sign for "cannot be imported"
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]
