"""The migrations lead to exactly the form that the code expects, from an empty file and again."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from grantline.model.errors import InvalidConfiguration
from grantline.storage.migrations import migrate
from grantline.storage.migrations.run import HEADS, configuration
from grantline.storage.schema import METADATA
from grantline.storage.sqlite.testing_schema import create_tables


def shape(path: Path) -> dict[str, str]:
    rows = sqlite3.connect(path).execute("select name, type from sqlite_master where name not like 'sqlite_%'")
    return {name: kind for name, kind in rows if name != "alembic_version"}


def test_a_migrated_file_has_the_tables_indexes_and_triggers_of_the_schema(tmp_path: Path) -> None:
    migrate(tmp_path / "state.db", "state")
    create_tables(tmp_path / "direct.db")
    assert shape(tmp_path / "state.db") == shape(tmp_path / "direct.db")
    with create_engine(f"sqlite:///{tmp_path / 'state.db'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_table_is_strict_and_has_a_tenant(tmp_path: Path) -> None:
    migrate(tmp_path / "state.db", "state")
    connection = sqlite3.connect(tmp_path / "state.db")
    names = {name for _, name, kind, *_ in connection.execute("pragma table_list") if kind == "table"}
    strict = {row[1] for row in connection.execute("pragma table_list") if row[5] == 1}
    ours = {name for name in names if not name.startswith("sqlite_") and name != "alembic_version"}
    assert ours == strict & ours == set(METADATA.tables)
    for table in ours:
        assert "tenant" in {row[1] for row in connection.execute(f"pragma table_info({table})")}


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "state")
    before = "\n".join(sqlite3.connect(path).iterdump())
    migrate(path, "state")
    assert "\n".join(sqlite3.connect(path).iterdump()) == before


def test_a_file_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    migrate(path, "state")
    connection = sqlite3.connect(path)
    connection.execute("update alembic_version set version_num = '9999'")
    connection.commit()
    with pytest.raises(InvalidConfiguration, match="newer release"):
        migrate(path, "state")
    assert connection.execute("select version_num from alembic_version").fetchone() == ("9999",)


def test_the_known_head_is_the_last_revision(tmp_path: Path) -> None:
    script = ScriptDirectory.from_config(configuration(tmp_path / "state.db", "state"))
    assert script.get_heads() == [HEADS["state"]]


def test_an_up_to_date_file_is_opened_without_loading_the_migration_library(tmp_path: Path) -> None:
    migrate(tmp_path / "state.db", "state")
    code = (
        "import sys; from pathlib import Path; from grantline.storage.migrations import migrate;"
        f"migrate(Path({str(tmp_path / 'state.db')!r}), 'state'); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
