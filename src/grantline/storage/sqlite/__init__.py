"""The embedded default: SQLite, WAL, one group-commit writer per file."""
