"""The supervisor with real processes: whatever ends, nothing is left running."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grantline.cli.supervisor import Child, ChildFailed, Patience, Supervisor

QUICK = Patience(ready=10, stop=10, first_restart=0.01, longest_restart=0.05, deaths=4, window=60)

# Says that it is ready and waits to be told to stop.
OBEDIENT = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (open({trace!r}, "a").write("{name} stopped\\n"), sys.exit(0)))
open({trace!r}, "a").write("{name} started\\n")
os.write(int(os.environ["GRANTLINE_READY_FD"]), b"ready\\n")
while True:
    signal.pause()
"""


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", program)


def obedient(name: str, trace: Path) -> Child:
    return Child(name, python(OBEDIENT.replace("{trace!r}", repr(str(trace))).replace("{name}", name)))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def until(condition, seconds: float = 15.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.01)


async def up(supervisor: Supervisor) -> "asyncio.Task[None]":
    """The running supervisor, once every child is ready; what goes wrong before is raised."""
    started = asyncio.Event()
    task = asyncio.create_task(supervisor.run(started.set))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    return task


async def test_children_start_in_order_and_stop_in_the_reverse(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    supervisor = Supervisor([obedient(name, trace) for name in ("one", "two", "three")], lambda _: None, QUICK)
    task = await up(supervisor)
    pids = [supervisor.pid(name) for name in ("one", "two", "three")]
    assert all(is_alive(pid) for pid in pids)
    supervisor.stop()
    await task
    assert trace.read_text().split("\n")[:-1] == [
        "one started", "two started", "three started", "three stopped", "two stopped", "one stopped",
    ]  # fmt: skip
    assert not any(is_alive(pid) for pid in pids)


async def test_a_killed_child_is_started_again_and_the_others_stay(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([obedient("one", tmp_path / "t"), obedient("two", tmp_path / "t")], said.append, QUICK)
    task = await up(supervisor)
    one, two = supervisor.pid("one"), supervisor.pid("two")
    os.kill(one, signal.SIGKILL)
    await until(lambda: supervisor.pid("one") != one)
    assert supervisor.pid("two") == two
    assert any("one ended (signal SIGKILL)" in line for line in said)
    supervisor.stop()
    await task


async def test_a_child_that_keeps_dying_ends_everything() -> None:
    dying = Child("dying", python("import os; os.write(int(os.environ['GRANTLINE_READY_FD']), b'ready'); os._exit(3)"))
    supervisor = Supervisor([dying], lambda _: None, QUICK)
    with pytest.raises(ChildFailed, match=r"dying does not keep running \(exit code 3\)"):
        await supervisor.run()


async def test_a_misconfigured_child_is_not_tried_again(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import os
        open({str(tmp_path / "n")!r}, "a").write("x")
        os.write(int(os.environ["GRANTLINE_READY_FD"]), b"ready")
        os._exit(78)
    """)
    supervisor = Supervisor([Child("wrong", python(program))], lambda _: None, QUICK)
    with pytest.raises(ChildFailed, match="exit code 78"):
        await supervisor.run()
    assert (tmp_path / "n").read_text() == "x"


async def test_a_child_that_ends_before_it_is_ready_stops_the_earlier_ones(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    children = [obedient("one", trace), Child("broken", python("raise SystemExit(5)"))]
    with pytest.raises(ChildFailed, match=r"broken ended before it was ready \(exit code 5\)"):
        await Supervisor(children, lambda _: None, QUICK).run()
    assert trace.read_text() == "one started\none stopped\n"


async def test_a_child_that_never_gets_ready_is_given_up() -> None:
    patience = Patience(ready=0.2, stop=0.2)
    stuck = Child("stuck", python("import signal; signal.pause()"))
    with pytest.raises(ChildFailed, match=r"not ready after 0\.2 s"):
        await Supervisor([stuck], lambda _: None, patience).run()


async def test_a_child_deaf_to_sigterm_and_its_own_children_are_killed(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import os, signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        own = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        open({str(tmp_path / "own")!r}, "w").write(str(own.pid))
        os.write(int(os.environ["GRANTLINE_READY_FD"]), b"ready")
        while True:
            signal.pause()
    """)
    supervisor = Supervisor([Child("deaf", python(program))], lambda _: None, Patience(stop=0.2))
    task = await up(supervisor)
    pid, own = supervisor.pid("deaf"), int((tmp_path / "own").read_text())
    supervisor.stop()
    await task
    await until(lambda: not is_alive(own))
    assert not is_alive(pid)


async def test_a_stop_during_the_start_leaves_nothing() -> None:
    stuck = Child("stuck", python("import signal; signal.pause()"))
    supervisor = Supervisor([stuck], lambda _: None, QUICK)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: "stuck" in supervisor.names())
    pid = supervisor.pid("stuck")
    supervisor.stop()
    await task
    assert not is_alive(pid)


def test_children_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import asyncio, sys
        from grantline.cli.supervisor import Child, Supervisor
        # Deaf to whatever the kernel sends to groups that lost their parent.
        deaf = "import os, signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; "
        deaf += "os.write(int(os.environ['GRANTLINE_READY_FD']), b'ready')\\nwhile True: signal.pause()"
        supervisor = Supervisor([Child("child", (sys.executable, "-c", deaf))], lambda _: None)
        asyncio.run(supervisor.run(lambda: print(supervisor.pid("child"), flush=True)))
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        os.kill(child, signal.SIGSTOP)
        parent.kill()
        parent.wait()
    asyncio.run(until(lambda: not is_alive(child), 5))
