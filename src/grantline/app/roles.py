"""The processes of an instance. Each loads its own part only, says when it answers, and ends when told to.

    python -m grantline.app.roles --role authority --data DIR [--config FILE] [--gateway ID]

is what `grantline serve` starts and what `grantline serve --role` becomes: without the library that commands are made
with, and what that loads (8 MiB in each process).
"""

import argparse
import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.app.ready import announce_ready, stop_on_signals
from grantline.model.errors import GrantlineError, InvalidConfiguration

if TYPE_CHECKING:
    from grantline.settings import Settings

# In the order of their start: each needs those before it. `grantline.app` has a module of this name for each.
ROLES = ("signer", "ledger", "sinks", "authority", "gateway")
MISCONFIGURED = 78
"""What a process exits with when starting it again would change nothing (EX_CONFIG of sysexits.h)."""


def command(role: str, data: Path, config: Path | None, gateway: str | None) -> tuple[str, ...]:
    """The program and arguments of one process."""
    configured = ("--config", str(config)) if config else ()
    named = ("--gateway", gateway) if gateway else ()
    return (sys.executable, "-m", "grantline.app.roles", "--data", str(data), *configured, "--role", role, *named)


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


def main() -> None:
    """One process until it is told to stop. What no restart can mend ends it with the code that says so."""
    import uvloop

    from grantline.settings import load

    parser = argparse.ArgumentParser(prog="grantline.app.roles", description="One process of an instance.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--role", choices=ROLES, required=True)
    parser.add_argument("--gateway")
    given = parser.parse_args()
    try:
        uvloop.run(run_role(given.role, load(given.config), given.data, given.gateway))
    except InvalidConfiguration as error:
        print(f"grantline: {given.role}: {error.message}", file=sys.stderr, flush=True)
        sys.exit(MISCONFIGURED)
    except GrantlineError as error:
        print(f"grantline: {error.message}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
