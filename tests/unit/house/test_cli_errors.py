"""The command line says what is wrong in one line, names the path, and changes nothing."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grantline.cli.declaration import read_declaration
from grantline.model.errors import InvalidConfiguration


def grantline(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grantline", *arguments], check=False, cwd=cwd, capture_output=True, text=True
    )


APP = """
[[clients]]
id = "budget"
name = "Budget"
publisher = "Budget Ltd"
web = "https://budget.example"
redirect_uris = ["https://budget.example/back"]
scopes = ["bank.transactions"]
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (APP.replace("redirect_uris", "redirect_urls"), "redirect_urls"),
        (APP + '[[people]]\nusername = "one"\nnmae = "One"\n', "$.people[0]"),
        (APP + '[[people]]\nusername = "one"\nname = "One"\npassword = "plain"\n', "$.people[0].password"),
        (APP + '[[people]]\nusername = "one"\nname = "One"\npassword = {}\n', "$.people[0].password"),
        (APP + '[[people]]\nusername = "one"\nname = "One"\npassword = { file = "no" }\n', "$.people[0].password.file"),
        (APP + '[[people]]\nusername = "one"\nname = "One"\npassword = { env = "NO_SUCH" }\n', "NO_SUCH is not set"),
        ('catalogue = "catalog.toml"\n' + APP, "catalogue"),
        ('catalog = "catalog.toml"\n' + APP, "catalog.toml"),
        (APP + "[[", "not TOML"),
    ],
)
def test_a_mistake_in_a_declaration_names_its_path(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "instance.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration) as refused:
        read_declaration(path)
    assert said in refused.value.message


def test_apply_refuses_a_mistake_in_one_line_and_applies_nothing(tmp_path: Path) -> None:
    (tmp_path / "instance.toml").write_text(APP.replace("redirect_uris", "redirect_urls"))
    done = grantline("apply", "-f", "instance.toml", "--data", "data", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("grantline: $.clients[0]")
    assert not (tmp_path / "data").exists()


def test_a_command_about_state_names_the_directory_that_holds_none(tmp_path: Path) -> None:
    done = grantline("grant", "list", "--data", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "grantline: nowhere holds no Grantline instance; name one with --data.\n",
    )
    assert not (tmp_path / "nowhere").exists()


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    assert grantline("grant", "list", "--dta", "x", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [("serve", "--role", "cook"), ("serve", "--role", "gateway"), ("serve", "--role", "ledger", "--gateway", "bank")],
)
def test_serve_refuses_roles_that_do_not_fit(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = grantline(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert "--role" in done.stderr


def test_serve_on_an_open_address_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text('[server]\nhost = "0.0.0.0"\n')
    done = grantline("serve", "--config", "g.toml", "--data", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert "$.server.host" in done.stderr
    assert not (tmp_path / "data").exists()


def test_check_names_every_finding_in_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text("durations_days = [30]\n[scopes.x]\n")
    done = grantline("check", "catalog.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "catalog.toml" in done.stderr


@pytest.mark.parametrize("arrange", [lambda data: data.write_text(""), lambda data: data.symlink_to("nowhere/else")])
def test_a_data_directory_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, arrange: Callable[[Path], object]
) -> None:
    arrange(tmp_path / "data")
    done = grantline("serve", "--data", "data", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("grantline: --data data cannot be used: data: ")


def test_a_port_that_is_taken_is_named_without_a_traceback(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        (tmp_path / "g.toml").write_text(f"[server]\nport = {port}\n")
        done = grantline("serve", "--config", "g.toml", "--data", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert f"grantline: Cannot listen on 127.0.0.1:{port}: another program uses it.\n" in done.stderr
    assert "Traceback" not in done.stderr
