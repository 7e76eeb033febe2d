"""A gateway knows consents by feed and fetch alone: it holds no file of the authority, and no way round it exists."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.whole_world import WholeWorld

pytestmark = pytest.mark.timeout(180)
GATEWAY = "--role gateway --gateway bank"
CALENDAR = "-m demo.calendar"


def held(pid: int) -> list[str]:
    """Every file that this process has open."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(descriptor))
        except OSError:
            continue
    return found


def opened(trace: Path, folder: Path) -> set[str]:
    """Paths below `folder` that the trace shows being opened or looked at."""
    lines = [line for line in trace.read_text().splitlines() if str(folder) in line]
    return {part for line in lines for part in line.split('"')[1::2] if part.startswith(str(folder))}


@pytest.mark.parametrize(("program", "own"), [(GATEWAY, "bank"), (CALENDAR, "calendar")])
async def test_no_gateway_holds_or_opens_a_file_of_the_authority(
    world: WholeWorld, http: httpx2.AsyncClient, tmp_path: Path, program: str, own: str
) -> None:
    """Covers: line 5, idea 5."""
    world.register(f"isolated-{own}")
    pid, trace = world.pid(program), tmp_path / "trace"
    tracer = await asyncio.create_subprocess_exec(
        "strace", "-f", "-y", "-qq", "-e", "trace=file", "-o", str(trace), "-p", str(pid), stderr=subprocess.DEVNULL
    )
    try:
        while not trace.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
        app = await world.connect(http, f"isolated-{own}")
        for url in (world.bank + "/accounts", world.calendar + "/events"):
            assert (await app.get(url)).status_code == 200
        assert "Stopped" in await world.stop(app)
        for url in (world.bank + "/accounts", world.calendar + "/events"):
            assert (await app.get(url)).json()["reason"] == "grant_withdrawn"
    finally:
        tracer.terminate()
        await tracer.wait()
    theirs = [world.data / name for name in ("authority", "ledger", "signer", "gateways")]
    touched = {f"{path}/" for path in (*opened(trace, world.data), *held(pid))}
    found = [path for path in touched for folder in theirs if path.startswith(f"{folder}/")]
    assert any(f"/gateways/{own}/spool/" in path for path in found)
    assert [path for path in found if f"/gateways/{own}/" not in path] == []


async def test_apis_refuse_whoever_comes_past_their_gateway(world: WholeWorld, http: httpx2.AsyncClient) -> None:
    """Covers: line 2, check 158."""
    world.register("direct", dpop_bound=False)
    app = await world.connect(http, "direct", bound=False)
    bearer = {"authorization": f"Bearer {app.tokens.access_token}"}
    made_up = {"grantline-context": "e30.e30.AA", "x-grantline-filter": ""}
    for headers in ({}, bearer, made_up, bearer | made_up):
        answer = await http.get(world.address("bank") + "/accounts", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    for headers in ({}, made_up):
        assert (await http.get(world.calendar + "/events", headers=headers)).status_code == 401


async def test_identity_headers_of_a_caller_change_nothing_at_either_gateway(
    world: WholeWorld, http: httpx2.AsyncClient
) -> None:
    """Covers: check 158."""
    world.register("spoofing", dpop_bound=False)
    app = await world.connect(http, "spoofing", bound=False, pick=lambda value: "0937" not in value)
    plain = await app.get(world.bank + "/accounts/acc-4821")
    assert plain.status_code == 200
    spoofed = [
        {"Grantline-Context": "e30.e30.AA"}, {"GRANTLINE-CONTEXT": ""}, {"X-Grantline-Filter": ""},
        {"x-GRANTLINE-filter": "0"}, {"X-Grantline-Evaluation": "ev_x"}, {"x-original-url": "/accounts/acc-0937"},
        {"x-http-method-override": "DELETE"}, {"x-envoy-original-path": "/accounts/acc-0937"},
    ]  # fmt: skip
    for headers in spoofed:
        answer = await app.get(world.bank + "/accounts/acc-4821", **headers)
        assert (answer.status_code, answer.json()) == (200, plain.json()), headers
        assert (await app.get(world.calendar + "/events", **headers)).status_code == 200, headers
    twice = [
        ("authorization", f"Bearer {app.tokens.access_token}"),
        ("X-Grantline-Filter", ""),
        ("x-grantline-filter", "0"),
    ]
    answer = await http.get(world.bank + "/accounts/acc-4821", headers=twice)
    assert (answer.status_code, answer.json()) == (200, plain.json())
    for url in (world.bank + "/accounts/acc-0937",):
        assert (await app.get(url)).json()["reason"] == "resource_not_granted"


def test_the_same_holds_over_http2(world: WholeWorld) -> None:
    """Covers: check 158."""
    asked = ["curl", "-s", "--http2-prior-knowledge", "-w", "\n%{http_version} %{http_code}"]
    headers = ["-H", "Grantline-Context: e30.e30.AA", "-H", "x-grantline-filter:", "-H", "X-Grantline-Filter: 0"]
    done = subprocess.run([*asked, *headers, world.bank + "/accounts"], capture_output=True, text=True, check=True)
    body, last = done.stdout.rsplit("\n", 1)
    assert (last, json.loads(body)["reason"]) == ("2 401", "token_missing")
