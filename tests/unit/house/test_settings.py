"""Settings: read, joined, overridden; mistakes are named by their path."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from grantline.model.errors import InvalidConfiguration
from grantline.model.setting import explained, setting
from grantline.settings import Settings, load


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "grantline.toml"
    path.write_text(text)
    return path


def leaves(settings: Any, path: str = "$") -> list[tuple[str, Any, Any]]:
    found = []
    for one in fields(settings):
        value = getattr(settings, one.name)
        if is_dataclass(value):
            found += leaves(value, f"{path}.{one.name}")
        else:
            found.append((f"{path}.{one.name}", one, value))
    return found


def test_without_a_file_every_setting_has_its_safe_default() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert settings.server.host == "127.0.0.1"


def test_a_file_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[server]\nport = 9000\ntls_key = "/etc/key.pem"'), {})
    assert (settings.server.port, settings.server.tls_key) == (9000, Path("/etc/key.pem"))
    assert settings.sessions == Settings().sessions


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 9000")
    environment = {"GRANTLINE_SERVER__PORT": "9001", "GRANTLINE_SERVER__BEHIND_PROXY": "true", "PATH": "/bin"}
    settings = load(path, environment)
    assert (settings.server.port, settings.server.behind_proxy) == (9001, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 9000", r"\$\.server\.prot is not a setting; there are: .*port"),
        ("[sever]\nport = 9000", r"\$\.sever is not a setting"),
        ('[server]\nport = "9000"', r"\$\.server\.port"),
        ("[server\nport = 1", "is not TOML"),
        ("server = 3", r"\$\.server"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_path(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidConfiguration, match=said):
        load(written(tmp_path, text), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRANTLINE_SERVER__PROT", "1"),
        ("GRANTLINE_SERVER__PORT", "many"),
        ("GRANTLINE_SERVER__PORT__DEEPER", "1"),
        ("GRANTLINE_NOWHERE__PORT", "1"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidConfiguration, match=name):
        load(None, {name: value})


def test_a_missing_file_is_an_error_not_a_default(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="cannot be read"):
        load(tmp_path / "absent.toml", {})


def test_every_setting_is_explained_and_none_holds_a_secret() -> None:
    unexplained = [path for path, one, _ in leaves(Settings()) if not explained(one).endswith(".")]
    assert unexplained == []
    secrets = ("password", "secret", "passphrase", "credential")
    told = [
        path for path, one, _ in leaves(Settings()) if one.type is not bool and any(word in path for word in secrets)
    ]
    assert [path for path in told if not path.endswith("_file")] == []


def test_a_default_that_could_change_is_refused() -> None:
    with pytest.raises(TypeError, match="immutable"):
        setting([], help="A list.")
