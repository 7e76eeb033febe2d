"""The tree keeps its shape: imports point down, parts are entered by the front door, files hold one idea."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "grantline"
LONGEST_FILE = 350
LONGEST_FUNCTION = 60

# Packages whose modules are their doors: libraries of words and tools, places of composition; and the ledger and the
# gateway, which are programs of their own with tools beside them: whoever needs one is not to load the others.
OPEN = {"model", "crypto", "storage", "ui", "sdk", "app", "cli", "testing", "ledger", "gateway"}
# Modules inside a part that others may name, each for its reason.
DOORS = {
    "grantline.catalog.entries": "the form of the catalog file, which tests and generators build by hand",
    "grantline.consent.offer": "the values that the pages show; they are many and belong together",
}
# A part's `store.py` is implemented by storage, tested by contract suites, joined by the `store.py` of a part above.
STORES = re.compile(r"grantline\.\w+(\.\w+)*\.store$")


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def name_of(path: Path) -> str:
    dotted = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


def front_door(package: str) -> set[str]:
    """What a package offers by its `__all__`; a namespace among it, such as `consent.words`, is meant to be used."""
    init = Path(SOURCE.parent, *package.split("."), "__init__.py")
    for node in ast.walk(ast.parse(init.read_text())) if init.exists() else ():
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of each import of ours in a file; `from grantline.x import y` names `grantline.x`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("grantline"):
            yield node.lineno, node.module
            for alias in node.names:
                if (
                    alias.name not in front_door(node.module)
                    and (SOURCE.parent / Path(*node.module.split("."), f"{alias.name}.py")).exists()
                ):
                    yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.startswith("grantline"))


def through_the_wall(path: Path) -> Iterator[str]:
    """Imports of another part's inner module, as `file:line imports module`."""
    mine = part_of(name_of(path))
    for line, module in imports(path):
        part = part_of(module)
        # A package is a door, also one within a part; a module is behind it.
        inside = module.count(".") > 1 and not Path(SOURCE.parent, *module.split(".")).is_dir()
        allowed = (
            part in OPEN
            or module in DOORS
            or ((mine in {"storage", "testing"} or path.name == "store.py") and STORES.match(module))
        )
        if part != mine and inside and not allowed:
            yield f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_imports_point_down() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_part_is_entered_by_its_front_door() -> None:
    assert [fault for path in modules() for fault in through_the_wall(path)] == []


def test_no_exception_outlives_its_module() -> None:
    gone = [door for door in DOORS if not (SOURCE.parent / Path(*door.split("."))).with_suffix(".py").exists()]
    assert gone == []


def test_a_file_holds_one_idea() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_a_function_fits_in_a_glance() -> None:
    long = []
    # A migration is one list of statements, written once and never touched again.
    for path in (path for path in modules() if "migrations" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({lines} lines)")
    assert long == []


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError\(\s*\)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in modules()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("ci", ["true", ""])
def test_a_skipped_test_counts_as_failed_in_ci_only(tmp_path: Path, ci: str) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('no reason')\n")
    (tmp_path / "test_two.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    if ci:
        assert done.returncode != 0
        assert done.stdout.count("Nothing is skipped here") >= 2
    else:
        assert "2 skipped" in done.stdout
