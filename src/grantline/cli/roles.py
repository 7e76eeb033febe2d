"""The processes of an instance. Each loads its own part only, says when it answers, and ends on SIGTERM."""

import socket
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grantline.cli.ready import announce_ready

if TYPE_CHECKING:
    from grantline.settings import Settings

# In the order of their start: each needs those before it.
ROLES = ("signer", "ledger", "authority", "gateway")


def run_role(role: str, settings: "Settings", data: Path, gateway: str | None) -> None:
    """Be that process until told to stop."""
    match role:
        case "signer":
            _run_signer(settings, data)
        case "ledger":
            _run_ledger(settings, data)
        case "gateway":
            import_module("grantline.app.gateway").run(settings, data, announce_ready, gateway)
        case _:
            import_module("grantline.app.authority").run(settings, data, announce_ready)


def _run_signer(settings: "Settings", data: Path) -> None:
    from grantline.ledger.process import run_signer
    from grantline.ledger.settings import Places

    places = Places(data)
    announce_when_answered(places.signer_socket)
    run_signer(settings.ledger, places)


def _run_ledger(settings: "Settings", data: Path) -> None:
    from grantline.ledger.process import run_ledger
    from grantline.ledger.settings import Places
    from grantline.storage.sqlite.ledger import open_ledger

    places = Places(data)
    announce_when_answered(places.ledger_socket)
    run_ledger(settings.ledger, places, open_ledger)


def announce_when_answered(path: Path) -> None:
    """Say ready once this process accepts calls on its unix socket; one left by an earlier process refuses them."""

    def ask() -> None:
        while True:
            with socket.socket(socket.AF_UNIX) as caller:
                try:
                    caller.connect(str(path))
                except OSError:
                    time.sleep(0.01)
                    continue
            announce_ready()
            return

    threading.Thread(target=ask, name="readiness", daemon=True).start()
