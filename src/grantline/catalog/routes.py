"""Path templates such as `/accounts/{account}/transactions`, matched segment by segment on decoded paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from grantline.catalog.entries import RouteEntry

_PARAMETER = re.compile(r"\{([a-z][a-z0-9_]*)\}\Z")


@dataclass(frozen=True, slots=True)
class Template:
    """A path template. A segment is a literal, or None where a parameter stands; `parameters`: (place, name)."""

    segments: tuple[str | None, ...]
    parameters: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, path: str) -> "Template":
        """Read a template; a brace anywhere but around a whole segment is a ValueError."""
        segments: list[str | None] = []
        parameters: list[tuple[int, str]] = []
        for place, segment in enumerate(path.removeprefix("/").split("/")):
            found = _PARAMETER.match(segment)
            if found:
                parameters.append((place, found[1]))
            elif "{" in segment or "}" in segment:
                raise ValueError(f"{segment!r} is neither a literal nor a parameter")
            segments.append(None if found else segment)
        return cls(tuple(segments), tuple(parameters))

    def match(self, segments: tuple[str, ...]) -> Mapping[str, str] | None:
        """The parameters of a path with these decoded segments, or None when it is another path."""
        if len(segments) != len(self.segments):
            return None
        for own, given in zip(self.segments, segments, strict=True):
            if own != given if own is not None else not given:
                return None
        return {name: segments[place] for place, name in self.parameters}

    def overlaps(self, other: "Template") -> bool:
        """True if some path matches both."""
        if len(self.segments) != len(other.segments):
            return False
        pairs = zip(self.segments, other.segments, strict=True)
        return all(mine == theirs or mine is None or theirs is None for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Route:
    """A route entry with its template read."""

    entry: RouteEntry
    template: Template

    @property
    def endpoint_class(self) -> str:
        """Method and template: what kind of call this is, without whose."""
        return f"{self.entry.method} {self.entry.path}"
