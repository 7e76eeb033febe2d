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
    _find_place(role, settings, data)
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


def _find_place(role: str, settings: "Settings", data: Path) -> None:
    """Make the data directory and be whoever this process is to be, before it opens anything there."""
    from grantline.app.duties import duties, step_down

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The signer steps down by itself, once it stands in its own directory.
    if role != "signer":
        step_down(duties(data, settings.ledger.signer_user))
