"""Rows that are never changed and never removed, whoever holds the connection: the triggers of either database."""

from collections.abc import Mapping, Sequence


def append_only(table: str, said: str) -> Mapping[str, Sequence[str]]:
    """The statements by the name of the dialect, answering `said`. Migrations call this too: it is frozen."""
    function = f"{table}_append_only"
    return {
        "sqlite": tuple(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END"
            for act in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{said}'; END $$",
            *(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {function}()"
                for act, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
            ),
        ),
    }
