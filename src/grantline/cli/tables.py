"""How commands print: a table for people, JSON for programs. Control characters never reach the terminal."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def when(unix_seconds: int) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M")


def visible(text: str) -> str:
    """The text with whatever could move a cursor or turn the writing round replaced by U+FFFD."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """One row for each thing, ids never cut."""
    if not rows:
        print(empty)
        return
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def print_json(value: Any) -> None:
    """Indented JSON, the same bytes for the same value."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
