"""What the story does to processes: stop one for a while, restart one."""

import asyncio
import os
import signal

from demo.running import process_of


async def freeze(marker: str, seconds: float) -> None:
    """SIGSTOP the process whose command line ends with `marker`, and let it go on after so many seconds."""
    process = process_of(marker)
    os.kill(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(process, signal.SIGCONT)


def kill(marker: str) -> int:
    """SIGKILL that process; its supervisor starts it again."""
    process = process_of(marker)
    os.kill(process, signal.SIGKILL)
    return process
