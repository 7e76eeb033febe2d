"""Runs one program that dies with the process that started it, however that one ends.

`python leash.py PARENT_PID PROGRAM ARGUMENT…`: asks the kernel for SIGKILL when the parent dies, then becomes the
program. A polite signal would be no promise: a stopped process does not hear it. Uses nothing but the standard
library, so that it starts in a few milliseconds. Linux only (prctl).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Never returns: the process becomes `command`, or exits because the parent is gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # The parent may have died before the line above took hold.
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
