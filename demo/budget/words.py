"""The app's own words for what it was granted, read from the `authorization_details` of the token answer (RFC 9396)."""

from datetime import UTC, datetime
from typing import Any

Details = list[dict[str, Any]]


def may_see(details: Details) -> list[str]:
    """One line a granted detail, such as `read transactions: date, amount (for budgeting)`."""
    return [_line(**detail) for detail in details]


def _line(*, actions: list[str], datatypes: list[str], fields: list[str], purpose: str, **_: Any) -> str:
    return f"{' and '.join(actions)} {', '.join(datatypes)}: {', '.join(fields)} (for {purpose})"


def day(unix_seconds: int) -> str:
    """A day as the page shows it."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%-d %b %Y")


def table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Columns and cells of a list of records, nested members flattened to `outer.inner`."""
    flat = [_flatten(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    return columns, [[row.get(name, "") for name in columns] for row in flat]


def _flatten(record: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{before}{name}.")
        else:
            flat[before + name] = value
    return flat
