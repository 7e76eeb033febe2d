"""Child processes as one program: started in order, restarted when they die, stopped together, never left behind.

A child says that it is ready by writing a line to the descriptor in `GRANTLINE_READY_FD`. It has its own process
group, so that Ctrl-C reaches the supervisor alone, which stops children in the reverse order of their start.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grantline.app.ready import READY_FD
from grantline.app.roles import MISCONFIGURED
from grantline.model.errors import GrantlineError

LEASH = Path(__file__).with_name("leash.py")


class ChildFailed(GrantlineError):
    """A child could not be started or kept running; everything was stopped."""


@dataclass(frozen=True, slots=True)
class Child:
    """One program to keep running. `ready`: whether it will say so; otherwise it counts as ready at once."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: bool = True
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds. `deaths` within `window` seconds are too many."""

    ready: float = 30.0
    stop: float = 10.0
    first_restart: float = 0.1
    longest_restart: float = 5.0
    deaths: int = 5
    window: float = 60.0


class Running:
    """One started child."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self.child = child
        self.process = process

    async def end(self, patience: float) -> None:
        """Ask it to stop, wait, then end it and whatever it started."""
        if self.process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        self._signal(signal.SIGKILL)
        await self.process.wait()

    def _signal(self, which: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, which)


class Supervisor:
    """Keeps children running until told to stop. `say` gets one line for each thing worth knowing."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None], patience: Patience | None = None) -> None:
        self._children = children
        self._say = say
        self._patience = patience or Patience()
        self._running: dict[str, Running] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; `run` returns when nothing is left running."""
        self._stopping.set()

    def pid(self, name: str) -> int:
        """The process id of a running child."""
        return self._running[name].process.pid

    def names(self) -> tuple[str, ...]:
        """Children started so far."""
        return tuple(self._running)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Start all in order, call `started`, keep them running until `stop`. Raises `ChildFailed`."""
        keepers: list[asyncio.Task[None]] = []
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            for child in self._children:
                if not await self._unless_stopped(stopping, self._start(child)):
                    return
                keepers.append(asyncio.create_task(self._keep(child)))
            started()
            done, _ = await asyncio.wait([stopping, *keepers], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (stopping, *keepers):
                task.cancel()
            await asyncio.gather(stopping, *keepers, return_exceptions=True)
            await self._end_all()

    async def _unless_stopped(self, stopping: "asyncio.Task[bool]", start: Coroutine[Any, Any, None]) -> bool:
        """Wait for one start; False if the stop came first."""
        starting = asyncio.create_task(start)
        await asyncio.wait([stopping, starting], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            return not stopping.done()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False

    async def _start(self, child: Child) -> None:
        """Start one child and wait until it is ready."""
        reading, writing = os.pipe()
        try:
            process = await self._spawn(child, writing)
        finally:
            os.close(writing)
        running = Running(child, process)
        self._running[child.name] = running
        try:
            if child.ready:
                await self._await_ready(running, reading)
        except ChildFailed:
            await running.end(0)
            raise
        finally:
            os.close(reading)
        self._say(f"{child.name} is running (process {process.pid})")

    async def _spawn(self, child: Child, ready: int) -> asyncio.subprocess.Process:
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
        environment = {**os.environ, **child.environment, READY_FD: str(ready)}
        log = child.log.open("ab") if child.log else None
        try:
            return await asyncio.create_subprocess_exec(
                *leash,
                *child.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(ready,),
                process_group=0,
            )
        finally:
            if log:
                log.close()

    async def _await_ready(self, running: Running, reading: int) -> None:
        """Returns when the child has written; raises `ChildFailed` when it closed the descriptor or took too long."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[bytes] = loop.create_future()

        def hear() -> None:
            loop.remove_reader(reading)
            if not heard.done():
                heard.set_result(os.read(reading, 64))

        loop.add_reader(reading, hear)
        name = running.child.name
        try:
            said = await asyncio.wait_for(heard, self._patience.ready)
        except TimeoutError:
            raise ChildFailed(f"{name} was not ready after {self._patience.ready:g} s") from None
        finally:
            loop.remove_reader(reading)
        if not said:
            code = await running.process.wait()
            raise ChildFailed(f"{name} ended before it was ready ({_ending(code)}){_hint(running.child)}")

    async def _keep(self, child: Child) -> None:
        """Start the child again whenever it dies, a little later each time; give up when it dies too often."""
        loop = asyncio.get_running_loop()
        deaths: list[float] = []
        while True:
            code = await self._running[child.name].process.wait()
            await self._running[child.name].end(0)
            now = loop.time()
            deaths = [*(death for death in deaths if now - death < self._patience.window), now]
            if code == MISCONFIGURED or len(deaths) >= self._patience.deaths:
                raise ChildFailed(f"{child.name} does not keep running ({_ending(code)}){_hint(child)}")
            pause = min(self._patience.first_restart * 2 ** (len(deaths) - 1), self._patience.longest_restart)
            self._say(f"{child.name} ended ({_ending(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            # A start that fails is one more death, which the next round counts.
            with contextlib.suppress(ChildFailed):
                await self._start(child)

    async def _end_all(self) -> None:
        for running in reversed(list(self._running.values())):
            await running.end(self._patience.stop)
        if self._running:
            self._say("Everything has stopped.")


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _hint(child: Child) -> str:
    return f"; see {child.log}" if child.log else ""
