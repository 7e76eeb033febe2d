"""The Unix sockets below a data directory: a path that the kernel cannot hold is refused before anything starts."""

import os
from pathlib import Path

from grantline.app.places import Places
from grantline.ledger.settings import Places as LedgerPlaces
from grantline.model.errors import InvalidConfiguration
from grantline.settings import FrontSettings

LONGEST = 107
"""Bytes of a socket's path: `sun_path` holds 108 with the one that ends it (unix(7))."""


def require_short_paths(data: Path, fronts: tuple[FrontSettings, ...]) -> None:
    """Raises `InvalidConfiguration` if a process of this instance could not listen where it has to."""
    longest = max(_sockets(data, fronts), key=_bytes)
    if _bytes(longest) > LONGEST:
        raise InvalidConfiguration(
            f"--data {data}: too long a path. The socket {longest} would take {_bytes(longest)} bytes "
            f"of the {LONGEST} that there are; keep the data in a directory nearer to the root."
        )


def _sockets(data: Path, fronts: tuple[FrontSettings, ...]) -> list[Path]:
    places, ledger = Places(data), LedgerPlaces(data)
    found = [ledger.signer_socket, ledger.ledger_socket]
    for front in fronts:
        found += [places.decision_socket(front.api), places.minimiser_socket(front.api)]
    return found


def _bytes(path: Path) -> int:
    return len(os.fsencode(path))
