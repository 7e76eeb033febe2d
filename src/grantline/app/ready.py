"""What a supervised process does at its two ends: say that it is ready, and hear that it is to stop."""

import asyncio
import gc
import os
import signal

READY_FD = "GRANTLINE_READY_FD"
"""Environment variable that names the descriptor on which a supervisor waits for a line."""


YOUNG = 10_000
"""Objects made since the last look before the collector looks at them: a request makes hundreds, and frees them."""


def announce_ready() -> None:
    """Tell the supervisor that calls are answered now. Without a supervisor there is nobody to tell."""
    _settle()
    descriptor = os.environ.pop(READY_FD, None)
    if descriptor is not None:
        os.write(int(descriptor), b"ready\n")
        os.close(int(descriptor))


def _settle() -> None:
    """What a process is made of stays as long as it does: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set the event; the process then ends in its own order."""
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)
