"""What an app may, in one phrase for lists."""

from collections.abc import Iterable

from grantline.catalog import Catalog
from grantline.consent import words
from grantline.consent.offer import Span
from grantline.model.consent import Item
from grantline.model.ids import ApiId
from grantline.model.text import listed, lowered


def may(catalog: Catalog, items: Iterable[Item]) -> tuple[Span, ...]:
    """`Read 5 fields of 1 account, because: budgeting`: its verb great, what it is about strong; nothing of nothing."""
    items = tuple(items)
    phrases = [*_reading(catalog, items), *(_changing(catalog, item) for item in items if _is_change(catalog, item))]
    spans: list[Span] = []
    for number, (act, about) in enumerate(phrases):
        joint = "" if number == 0 else " and " if number == len(phrases) - 1 else ", "
        spans += [Span(f"{joint}{lowered(act) if number else act} of "), Span(about, strong=True)]
    because = listed(list(dict.fromkeys(words.purpose(catalog, item.purpose) for item in items)))
    return (*spans, Span(f", because: {because}")) if spans else ()


def _is_change(catalog: Catalog, item: Item) -> bool:
    return any(words.changes(catalog, action) for action in item.actions)


def _reading(catalog: Catalog, items: tuple[Item, ...]) -> list[tuple[str, str]]:
    """One phrase for each API and verb, counting each field once."""
    found: dict[tuple[ApiId, str], list[Item]] = {}
    for item in items:
        if not _is_change(catalog, item):
            found.setdefault((item.api, words.verb(catalog, item.actions[0])), []).append(item)
    return [
        (f"{verb} {words.counted_fields(several)}", _whose(catalog, several)) for (_, verb), several in found.items()
    ]


def _changing(catalog: Catalog, item: Item) -> tuple[str, str]:
    """Each change by its name: it is never a number among others (C4)."""
    what = listed([one.label for one in words.fields(catalog, item)])
    verbs = listed([words.verb(catalog, action) for action in item.actions])
    return f"{verbs} {what}", words.data(catalog, item.api, item.datatype)


def _whose(catalog: Catalog, items: list[Item]) -> str:
    """The things that were picked; the kinds of data where there are none, or no word for them any more."""
    api = items[0].api
    resources = {resource for item in items for resource in item.resources}
    entry = catalog.file.apis.get(api)
    if resources and entry is not None and entry.resource_list is not None:
        return words.things(catalog, api, len(resources))
    return listed(list(dict.fromkeys(words.data(catalog, api, item.datatype) for item in items)))
