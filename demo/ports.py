"""Loopback ports: chosen once, kept with the data so that a second start has the same addresses if they are free."""

import json
import socket
from pathlib import Path

NAMES = ("authority", "bank", "bank_gateway", "calendar", "budget")


def choose(kept: Path) -> dict[str, int]:
    """A free port for each name, those of an earlier run where possible; written to `kept`."""
    earlier: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
    holders: list[socket.socket] = []
    ports: dict[str, int] = {}
    for name in NAMES:
        holder = _bind(earlier.get(name, 0)) or _bind(0)
        assert holder is not None
        holders.append(holder)
        ports[name] = holder.getsockname()[1]
    for holder in holders:
        holder.close()
    kept.write_text(json.dumps(ports, indent=1))
    return ports


def _bind(port: int) -> socket.socket | None:
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        return None
    return holder
