"""`grantline serve`: what it refuses, what it would start, and how it ends."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grantline.app.places import Places
from grantline.cli.serve import plan, prepare, refuse_open_address, tell_enrolment
from grantline.model.errors import InvalidConfiguration
from grantline.settings import ServerSettings

PEM = Path("cert.pem")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", "127.0.0.1.example.org"])
def test_an_open_address_without_tls_or_proxy_is_refused(host: str) -> None:
    with pytest.raises(InvalidConfiguration, match=r"\$\.server\.host"):
        refuse_open_address(ServerSettings(host=host))


@pytest.mark.parametrize(
    "server",
    [
        ServerSettings(host="127.0.0.1"),
        ServerSettings(host="127.8.8.8"),
        ServerSettings(host="::1"),
        ServerSettings(host="localhost"),
        ServerSettings(host="0.0.0.0", tls_certificate=PEM, tls_key=PEM),
        ServerSettings(host="0.0.0.0", behind_proxy=True),
    ],
)
def test_loopback_tls_and_a_declared_proxy_are_accepted(server: ServerSettings) -> None:
    refuse_open_address(server)


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="go together"):
        refuse_open_address(ServerSettings(tls_certificate=PEM))


def test_the_signer_starts_first_and_gateways_last(tmp_path: Path) -> None:
    children = plan(tmp_path, Path("g.toml"), ("bank", "calendar"))
    assert [child.name for child in children] == [
        "signer", "ledger", "authority", "gateway bank", "gateway calendar",
    ]  # fmt: skip
    assert all("--config" in child.command for child in children)


def test_a_data_directory_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(InvalidConfiguration, match="chmod 700"):
        prepare(tmp_path)


def test_the_enrolment_link_is_told_once_and_not_after_the_next_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    prepare(data)
    Places(data).enrolment_link.write_text("http://localhost:8400/enrol/e_x\n")
    tell_enrolment(data)
    assert "http://localhost:8400/enrol/e_x" in capsys.readouterr().err
    prepare(data)
    tell_enrolment(data)
    assert capsys.readouterr().err == ""


# The real command with its processes replaced by ones that only say ready and wait: the parts have their own tests.
STAND_INS = """
    import asyncio, sys
    from grantline.app import roles
    from grantline.cli import main, serve
    from grantline.app.ready import announce_ready, stop_on_signals

    async def run_role(role, settings, data, gateway):
        stop = asyncio.Event()
        stop_on_signals(stop)
        announce_ready()
        await stop.wait()

    def ourselves(data, config, gateways, plan=serve.plan, **more):
        planned = plan(data, config, gateways, **more)
        return [serve.Child(child.name, (sys.executable, __file__, *child.command[3:])) for child in planned]

    roles.run_role, serve.plan = run_role, ourselves
    roles.main() if "--role" in sys.argv else main()
"""


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_processes_and_exits_cleanly(tmp_path: Path, which: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(STAND_INS))
    command = [sys.executable, str(program), "serve", "--data", str(tmp_path / "data"), "--gateway", "bank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        pids = []
        for line in process.stderr:
            if "is running (process" in line:
                pids.append(int(line.split("process ")[1].rstrip(")\n")))
            if len(pids) == 4:
                break
        process.send_signal(which)
        rest = process.stderr.read()
        assert process.wait() == 0, rest
    assert "Everything has stopped." in rest
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
