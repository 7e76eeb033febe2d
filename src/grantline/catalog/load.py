"""Reads a catalog file. A typo is an error that names its path; nothing doubtful is ever loaded."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grantline.catalog.catalog import Catalog
from grantline.catalog.entries import CatalogFile
from grantline.catalog.linter import lint
from grantline.model.errors import InvalidConfiguration

T = TypeVar("T")
_ANY_KEY = "[...]"


def load_catalog(path: Path) -> Catalog:
    """The catalog at `path` (TOML); raises `InvalidConfiguration` with one line per finding."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    return build_catalog(raw, source=str(path))


def build_catalog(raw: object, *, source: str = "catalog") -> Catalog:
    """A catalog from decoded TOML or JSON; raises `InvalidConfiguration` with one line per finding."""
    try:
        file = strict(raw, CatalogFile)
    except msgspec.ValidationError as error:
        raise InvalidConfiguration(f"{source}: {error}") from error
    findings = lint(file)
    if findings:
        raise InvalidConfiguration("\n".join(f"{source}: {finding}" for finding in findings))
    return Catalog.from_file(file)


def strict(raw: object, shape: type[T]) -> T:
    """`msgspec.convert` whose error says which member of a map it is about (`$.apis.bank`, not `$.apis[...]`)."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(_named(raw, shape, str(error))) from error


def _named(raw: object, shape: type[Any], message: str) -> str:
    """Find each `[...]` by leaving one member of the map at a time: the one with which the error stays is meant."""
    while _ANY_KEY in message:
        before = message.split(_ANY_KEY, 1)[0]
        place = before[before.rindex("`$") + 2 :]
        steps = [step for step in place.replace("[", ".[").split(".") if step]
        found = _culprit(raw, shape, steps, message)
        if found is None:
            return message
        raw, key = found
        message = message.replace(_ANY_KEY, f".{key}" if "." not in key else f'."{key}"', 1)
    return message


def _culprit(raw: Any, shape: type[Any], steps: list[str], message: str) -> tuple[Any, str] | None:
    generic = message
    members = _reach(raw, steps)
    for key in members if isinstance(members, dict) else ():
        alone = _with_only(raw, steps, key)
        try:
            msgspec.convert(alone, shape)
        except msgspec.ValidationError as error:
            if _same_kind(str(error), generic):
                return alone, key
    return None


def _same_kind(found: str, wanted: str) -> bool:
    """Equal but for the member names already put into `wanted`."""
    return found.split(" - at ", maxsplit=1)[0] == wanted.split(" - at ", maxsplit=1)[0]


def _reach(raw: Any, steps: list[str]) -> Any:
    for step in steps:
        raw = raw[int(step[1:-1])] if step.startswith("[") else raw[step.strip('"')]
    return raw


def _with_only(raw: Any, steps: list[str], key: str) -> Any:
    """A copy of `raw` in which the map at `steps` has this one member."""
    if not steps:
        return {key: raw[key]}
    step, rest = steps[0], steps[1:]
    if step.startswith("["):
        place = int(step[1:-1])
        return [_with_only(one, rest, key) if at == place else one for at, one in enumerate(raw)]
    name = step.strip('"')
    return {**raw, name: _with_only(raw[name], rest, key)}
