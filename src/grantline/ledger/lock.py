"""One process at a time: an advisory lock on a file, given back by the kernel when its holder dies."""

import fcntl
import os
from pathlib import Path

from grantline.model.errors import InvalidConfiguration


class OnlyOne:
    """Held from construction on. Raises `InvalidConfiguration` with `otherwise` if another process holds it."""

    def __init__(self, path: Path, otherwise: str) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise InvalidConfiguration(otherwise) from error

    def release(self) -> None:
        """Let another process take over."""
        os.close(self._descriptor)
