"""A setting is typed, safe when absent, and explained where it stands; the manual's page is generated from it.

A part declares one frozen dataclass whose fields are settings; `grantline.settings` joins them. A value with a unit
that its type does not carry names the unit in its name (`lease_ms`). No setting holds a secret: it names a file.
"""

from collections.abc import Callable
from dataclasses import Field, field
from typing import Any, TypeVar

T = TypeVar("T")
HELP = "help"


def setting(default: T, *, help: str) -> T:
    """One field of a part's `Settings`: its safe default and a sentence for the operator."""
    metadata = {HELP: help}
    if isinstance(default, (list, dict, set)):
        raise TypeError("a setting's default is immutable: use a tuple")
    return field(default=default, metadata=metadata)


def section(kind: Callable[[], T], *, help: str) -> T:
    """One part's settings as a field of the joined ones: `[name]` in the file."""
    return field(default_factory=kind, metadata={HELP: help})


def explained(of: "Field[Any]") -> str:
    """The sentence of a setting; empty if it has none (a test finds those)."""
    return str(of.metadata.get(HELP, ""))
