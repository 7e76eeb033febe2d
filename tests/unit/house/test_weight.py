"""A process carries only what it does: the front doors open on use, and no role loads another role's libraries."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import grantline
from grantline.app.roles import ROLES
from grantline.model.door import opens_on_use

SOURCE = Path(grantline.__file__).parent
THEIRS = {
    "settings": {"cryptography", "sqlalchemy", "cedarpy", "httpx2", "jinja2", "uvicorn", "structlog", "asyncio"},
    "app.roles": {"typer", "pydantic", "rich", "cryptography", "sqlalchemy", "structlog", "uvicorn"},
    "app.signer": {"sqlalchemy", "cedarpy", "httpx2", "jinja2", "uvicorn", "joserfc", "argon2", "websockets"},
    "app.ledger": {"cedarpy", "httpx2", "jinja2", "joserfc", "argon2", "websockets", "alembic"},
    "app.authority": {"alembic", "typer", "websockets"},
    "app.gateway": {"sqlalchemy", "jinja2", "argon2", "alembic", "typer"},
    "cli": {"cryptography", "sqlalchemy", "cedarpy", "httpx2", "jinja2", "uvicorn", "structlog", "msgspec"},
}


def doors() -> list[str]:
    """Packages whose front door opens on use."""
    inits = (path for path in SOURCE.rglob("__init__.py") if "opens_on_use(__name__)" in path.read_text())
    return sorted(".".join(path.parent.relative_to(SOURCE.parent).parts) for path in inits)


@pytest.mark.parametrize("module", THEIRS)
def test_a_process_loads_nothing_that_only_another_needs(module):
    code = f"import sys, grantline.{module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "grantline" in loaded
    assert THEIRS[module] & set(loaded) == set()


@pytest.mark.parametrize("role", ROLES)
def test_no_role_loads_what_draws_on_consoles(role):
    code = (
        "import sys; from importlib import import_module; from grantline.app import roles; roles.import_bare_log();"
        f"import_module('grantline.app.{role}'); loaded = set(sys.modules); import rich; print(*sorted(loaded))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "structlog" in loaded
    assert {name.partition(".")[0] for name in loaded} & {"rich", "pygments"} == set()


@pytest.mark.parametrize("package", doors())
def test_everything_that_a_door_promises_is_behind_it(package):
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'nothing_like_this'"):
        _ = module.nothing_like_this


def offers(package: str) -> dict[str, str]:
    """Name → module it comes from, read from the source of the door."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text())
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {
        alias.name: str(node.module) for node in imports if str(node.module).startswith(package) for alias in node.names
    }


@pytest.mark.parametrize("package", doors())
def test_a_door_offers_what_its_all_says(package):
    assert set(offers(package)) == set(import_module(package).__all__)


@pytest.mark.parametrize("package", doors())
def test_a_door_offers_nothing_by_the_name_of_a_module(package):
    """Importing that module would put it in the place of what is offered."""
    folder = Path(str(import_module(package).__file__)).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert [name for name, home in offers(package).items() if name in modules and home != package] == []


def test_a_name_is_found_by_its_import_and_kept(tmp_path, monkeypatch):
    """Also a module of the package itself, which is a namespace of the door."""
    (tmp_path / "behind").mkdir()
    (tmp_path / "behind" / "room.py").write_text("def thing(): ...\n")
    (tmp_path / "behind" / "__init__.py").write_text(
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from behind import room\n    from behind.room import thing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    package = import_module("behind")
    find = opens_on_use("behind")
    assert "behind.room" not in sys.modules
    assert find("thing") is package.thing is sys.modules["behind.room"].thing
    assert find("room") is sys.modules["behind.room"]
