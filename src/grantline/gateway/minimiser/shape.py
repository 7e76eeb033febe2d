"""An allow-list of JSON paths becomes a msgspec type: what the type does not name is never built."""

from collections.abc import Iterable
from typing import Any

import msgspec

from grantline.gateway.minimiser.errors import Unfilterable

Path = tuple[str, ...]
Tree = dict[str, "Tree | None"]
"""Member name → what may pass below it; None: the member may pass whole."""


def attribute(name: str) -> str:
    """The Python name of a JSON member. Any text is a member name, so it is told in hex."""
    return f"m_{name.encode().hex()}"


def grow(paths: Iterable[Path]) -> Tree:
    """One tree of all paths. Where one path is the beginning of another, the shorter one passes whole."""
    tree: Tree = {}
    for path in sorted(paths, key=len):
        if not path:
            raise Unfilterable("an empty path names no member")
        _insert(tree, path)
    return tree


def under(prefix: Path, tree: Tree, beside: Iterable[str] = ()) -> Tree:
    """The tree as it stands below `prefix`, with whole members `beside` it at the top, never widening `prefix`."""
    for name in reversed(prefix):
        tree = {name: tree}
    return {**tree, **{name: None for name in beside if name not in tree}}


def shape(tree: Tree, leaf: Any) -> Any:
    """A type for msgspec that holds exactly this tree, at every level as an object, a list of objects or null.

    `leaf` types what passes whole: `msgspec.Raw` keeps its bytes, so big integers and decimals stay exact.
    Absent members are `msgspec.UNSET` and are left out when encoded.
    """
    members: list[tuple[str, Any, Any]] = [
        (attribute(name), leaf if below is None else shape(below, leaf), msgspec.UNSET) for name, below in tree.items()
    ]
    names = {attribute(name): name for name in tree}
    try:
        struct = msgspec.defstruct("Shape", members, rename=names)
    except ValueError as error:
        raise Unfilterable(f"a member name cannot be filtered: {error}") from error
    return struct | list[struct] | None  # type: ignore[valid-type]


def _insert(tree: Tree, path: Path) -> None:
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        if below is None:
            return
        tree = below
    tree.setdefault(path[-1], None)
