"""Makes all known tables at once, for tests; production goes through the migrations."""

from pathlib import Path

from sqlalchemy.schema import CreateIndex, CreateTable

from grantline.storage.schema.base import METADATA
from grantline.storage.sqlite.connection import connect
from grantline.storage.statements import SQLITE


def create_tables(path: Path) -> None:
    """Create every table, index and guard of the imported schema modules in the file at `path`."""
    connection = connect(path)
    for table in METADATA.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=SQLITE)))
        for index in table.indexes:
            connection.execute(str(CreateIndex(index).compile(dialect=SQLITE)))
        for guard in table.info.get("guards", {}).get("sqlite", ()):
            connection.execute(guard)
    connection.close()
