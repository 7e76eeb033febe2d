"""Files of operators: settings, environment variables, declarations, cut-off tables."""

import tempfile
from pathlib import Path

from grantline import settings
from grantline.cli.declaration import read_declaration
from grantline.ledger.access import read_producers
from grantline.model.errors import InvalidConfiguration
from tests.fuzz.target import refused, target

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def in_file(name: str, data: bytes) -> Path:
    """The bytes as a file."""
    path = FOLDER / name
    path.write_bytes(data)
    return path


@target
def settings_file(data: bytes) -> None:
    """Every fault is told with its place."""
    with refused(InvalidConfiguration):
        settings.load(in_file("settings.toml", data), {})


@target
def environment(data: bytes) -> None:
    """`GRANTLINE_<name>=<value>`; names and values have no NUL."""
    name, _, value = data.decode(errors="surrogateescape").replace("\0", "").partition("=")
    with refused(InvalidConfiguration):
        settings.load(None, {settings.PREFIX + name: value})


@target
def declaration_file(data: bytes) -> None:
    """Clients, people, grants and issuers as an operator declares them."""
    with refused(InvalidConfiguration):
        read_declaration(in_file("declaration.toml", data))


@target
def producers_file(data: bytes) -> None:
    """Who may write to the ledger."""
    with refused(InvalidConfiguration):
        read_producers(in_file("producers.json", data))
