"""Finds the implementations of an extension point: one module each, each with its one declaration."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def implementations(package: ModuleType, declaration: str, kind: type[T]) -> tuple[T, ...]:
    """The value named `declaration` of every module in `package`, in the order of the modules' names.

    A module without it, or with a value of another type, is a mistake of ours and raises TypeError at start.
    """
    found = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        name = f"{package.__name__}.{module.name}"
        value = getattr(importlib.import_module(name), declaration, None)
        if not isinstance(value, kind):
            raise TypeError(f"{name} does not declare {declaration}")
        found.append(value)
    return tuple(found)
