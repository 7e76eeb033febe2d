"""The pages know no bank and no calendar: every noun of a catalog reaches them through the catalog."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "grantline"
CATALOG = ROOT / "demo" / "catalog.toml"
TEMPLATES = (".html", ".jinja", ".j2", ".svg", ".txt")
# Words that any page needs for itself: grammar, forms, the acts of UI.md, the person's own account here.
GENERIC = frozenset(
    """be can of what an and on the to when which you your name party person
    account available check date decide end events example id label list location make no note number
    other owned owns read reason reference set share shared showing start title""".split()  # noqa: SIM905
)
# `payment` there is a browser's feature in Permissions-Policy.
OTHER_MEANING = {"ui/kit/headers.py": {"payment"}}
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_LITERAL = re.compile(r"""(["'])(.*?)\1""", re.DOTALL)
_WORD = re.compile(r"[a-z]{2,}")


def nouns() -> frozenset[str]:
    """Every word of every id and label that a person could meet, but for the generic ones."""
    raw = tomllib.loads(CATALOG.read_text(encoding="utf-8"))
    texts = [*raw["purposes"], *raw["scopes"], *(purpose["label"] for purpose in raw["purposes"].values())]
    for api, entry in raw["apis"].items():
        texts += [api, *(route["label"] for route in entry["routes"])]
        texts += [value for key, value in entry.get("resource_list", {}).items() if key in {"heading", "one", "many"}]
        for datatype, data in entry["data"].items():
            texts += [datatype, data["label"], *data["fields"], *data.get("groups", {})]
            texts += [field["label"] for field in data["fields"].values()]
    return frozenset(word for text in texts for word in _WORD.findall(text.lower())) - GENERIC


def spoken(template: str) -> str:
    """What a template itself says: its text, and the literals inside its expressions, but no names of variables."""
    literals = [found[1] for code in _JINJA.findall(template) for found in _LITERAL.findall(code)]
    return " ".join([_JINJA.sub(" ", template), *literals])


def constants(source: str) -> str:
    """The strings of a program, without its docstrings."""
    tree = ast.parse(source)
    silent = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return " ".join(str(node.value) for node in strings if id(node) not in silent)


def used(text: str) -> frozenset[str]:
    """The catalog's nouns in a text."""
    return nouns() & frozenset(_WORD.findall(text.lower()))


def files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.suffix in suffixes and "vendor" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_no_template_holds_a_noun_of_the_catalog():
    """Covers: ARCHITECTURE.md idea 7."""
    found = {
        _name(path): sorted(words)
        for path in files(SOURCE / "ui", TEMPLATES)
        if (words := used(spoken(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize("part", ["ui", "consent", "catalog"])
def test_no_program_that_speaks_to_people_holds_a_noun_of_the_catalog(part):
    """Covers: ARCHITECTURE.md idea 7."""
    found = {
        _name(path): sorted(words)
        for path in files(SOURCE / part, (".py",))
        if (words := used(constants(path.read_text(encoding="utf-8"))) - OTHER_MEANING.get(_name(path), set()))
    }
    assert found == {}


def test_a_noun_would_be_found_wherever_it_is_said():
    assert {"merchant", "transactions", "iban", "budgeting", "accounts", "calendar", "payee"} <= nouns()
    assert used(spoken("<p>Read your transactions</p>")) == {"transactions"}
    assert used(spoken("{{ t('Which accounts') }}")) == {"accounts"}
    assert used(spoken("{# the iban #}{% for merchant in merchants %}{{ merchant.label }}{% endfor %}")) == frozenset()
    assert used(constants('"""About the iban."""\nTEXT = f"Because: budgeting {x}"')) == {"budgeting"}
