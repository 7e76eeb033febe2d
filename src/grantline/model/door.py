"""A front door that loads what is behind it when it is first asked for (PEP 562).

Every process reads the joined settings, and so passes the door of every part; only what it uses is to weigh on it.
A package says once what it offers, as imports under `if TYPE_CHECKING:`, so that readers, type checkers and import
contracts see an ordinary front door:

    if TYPE_CHECKING:
        from grantline.consent.record import Consents
    else:
        __getattr__ = opens_on_use(__name__)

    __all__ = ["Consents"]
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def opens_on_use(package: str) -> Callable[[str], object]:
    """The `__getattr__` of a package: finds a name by the import that offers it, and keeps it.

    Raises `AttributeError` for a name that the package does not offer, as any module does.
    """
    module = sys.modules[package]
    offers = _offers(Path(str(module.__file__)).read_text(encoding="utf-8"))

    def find(name: str) -> object:
        if name not in offers:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = offers[name]
        found = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        setattr(module, name, found)
        return found

    return find


def _offers(source: str) -> dict[str, str]:
    """Name → module it is imported from, of the imports that only type checkers follow."""
    return {
        alias.name: statement.module
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }
