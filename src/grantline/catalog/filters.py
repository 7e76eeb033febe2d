"""From an agreed item to what an answer is cut to: an allow-list of paths and rules for records."""

from datetime import date, timedelta
from functools import lru_cache

from grantline.catalog.entries import DataEntry, RouteEntry
from grantline.model.consent import Item
from grantline.model.decision import FieldFilter, RecordRule
from grantline.model.errors import InvalidRequest

DAY = 86_400


def path_of(data: DataEntry, field: str) -> tuple[str, ...]:
    """Where a field stands in a record; its own id unless the catalog says otherwise."""
    return data.fields[field].path or (field,)


def oldest_day(item: Item, now: int) -> str | None:
    """The first day (UTC, `YYYY-MM-DD`) the item reaches back to at unix second `now`; None: no limit."""
    if item.lookback_days is None:
        return None
    return _days_before(item.lookback_days, now // DAY)


@lru_cache(maxsize=256)
def _days_before(days: int, today: int) -> str:
    """`today`: days since 1970."""
    return (date(1970, 1, 1) + timedelta(days=today - days)).isoformat()


def make_filter(
    route: RouteEntry, data: DataEntry, item: Item, *, fields: tuple[str, ...], now: int
) -> FieldFilter | None:
    """What the answer of this route is cut to. `fields`: asked for, empty means all of the item.

    None only for a route whose answers hold nothing about a person. Raises `InvalidRequest` for a field outside
    the item: a filter is never wider than what was agreed.
    """
    outside = set(fields) - set(item.fields)
    if outside:
        raise InvalidRequest("A field asked for was not agreed.", detail=f"{sorted(outside)}")
    if route.unfiltered:
        return None
    kept = tuple(path_of(data, field) for field in (fields or item.fields))
    return FieldFilter(
        records=route.records, fields=kept, envelope=route.envelope, rules=_rules(route, data, item, now)
    )


def _rules(route: RouteEntry, data: DataEntry, item: Item, now: int) -> tuple[RecordRule, ...]:
    rules: list[RecordRule] = []
    if route.resource is None and route.resource_path:
        rules.append(RecordRule(path=route.resource_path, allowed=frozenset(item.resources)))
    since = oldest_day(item, now)
    if since is not None and data.date_field is not None:
        rules.append(RecordRule(path=path_of(data, data.date_field), since=since))
    return tuple(rules)
