"""A whole instance under the real supervisor: it answers, mends itself, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from grantline.cli.apply import apply_to
from grantline.cli.declaration import read_declaration
from grantline.cli.serve import plan, prepare
from grantline.cli.supervisor import Patience, Supervisor
from tests.flows.house.test_apply import written

pytestmark = pytest.mark.timeout(180)
DISCOVERY = "/.well-known/oauth-authorization-server"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    supervisor = Supervisor(plan(data, None, ()), said.append, Patience(ready=60))
    started = asyncio.Event()
    task = asyncio.create_task(supervisor.run(started.set))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert started.is_set(), said
    yield supervisor, said
    supervisor.stop()
    await task


async def test_a_killed_authority_answers_again_and_a_stop_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, data = free_port(), tmp_path / "data"
    monkeypatch.setenv("GRANTLINE_SERVER__PORT", str(port))
    await apply_to(data, read_declaration(written(tmp_path)))
    prepare(data)
    base = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(trust_env=False) as http, served(data) as (supervisor, said):
        issuer = (await http.get(base + DISCOVERY)).json()["issuer"]
        assert issuer == f"http://localhost:{port}"

        pids = [supervisor.pid(name) for name in supervisor.names()]
        os.kill(supervisor.pid("authority"), signal.SIGKILL)
        async with asyncio.timeout(60):
            while sum("authority is running" in line for line in said) < 2:  # noqa: ASYNC110 - lines, not events
                await asyncio.sleep(0.02)
        assert (await http.get(base + DISCOVERY)).json()["issuer"] == issuer
        pids.append(supervisor.pid("authority"))
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(base + DISCOVERY, trust_env=False)
