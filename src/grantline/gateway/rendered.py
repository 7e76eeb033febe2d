"""An answer of the gateway itself, before any server or proxy gives it its form."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendered:
    """Status, headers (lower-case names) and body of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
