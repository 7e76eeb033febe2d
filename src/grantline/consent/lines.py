"""Cuts what is asked for into the lines of the screen: locked fields together, each wish alone, changes apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from grantline.catalog import Asked, Catalog, key_of
from grantline.consent import words
from grantline.consent.changing import Change, Manner, new_fields
from grantline.consent.offer import ExplicitChoice, OfferLine
from grantline.model.consent import Item
from grantline.model.text import listed


def offer_lines(catalog: Catalog, asked: Iterable[Asked], change: Change | None = None) -> tuple[OfferLine, ...]:
    """Lines in the order of the screen: what it may read first, then what it may change (C4).

    `change`: of what stands; then each line knows what of it is new (C8).
    """
    lines = [_marked(line, one.item, change) for one in asked for line in _lines(catalog, one)]
    return tuple(sorted(lines, key=lambda line: line.changes))


def _marked(line: OfferLine, item: Item, change: Change | None) -> OfferLine:
    if change is None:
        return line
    fresh = new_fields(change.before, item)
    new = tuple(field for field in line.fields if field.id in fresh)
    return replace(line, new=new, stays=change.manner is Manner.MERGE and line.required and not new)


def explicit_choices(
    catalog: Catalog, asked: Iterable[Asked], lines: Sequence[OfferLine]
) -> tuple[ExplicitChoice, ...]:
    """The special categories among what is asked for: each needs a yes of its own, whatever of it is taken."""
    special = (one for one in asked if words.special(catalog, one.item.api, one.item.datatype))
    return tuple(
        ExplicitChoice(
            key=form_key(one.item),
            verb=words.verb(catalog, one.item.actions[0]),
            datatype_label=words.data(catalog, one.item.api, one.item.datatype),
            purpose_label=words.purpose(catalog, one.item.purpose),
            lines=tuple(line.key for line in lines if line.key.startswith(f"{form_key(one.item)}:")),
            required=bool(one.required),
        )
        for one in special
    )


def form_key(item: Item) -> str:
    """The name of one item in a form; its lines begin with it and a colon."""
    return ".".join(key_of(item))


def _lines(catalog: Catalog, asked: Asked) -> Iterator[OfferLine]:
    item = asked.item
    if words.changes(catalog, item.actions[0]):
        # A change is agreed to as a whole: half of its fields would be another act than the one described.
        part = "required" if asked.required else "all"
        yield _line(catalog, item, part, item.fields, required=bool(asked.required))
        return
    if asked.required:
        yield _line(catalog, item, "required", asked.required, required=True)
    wishes = tuple(field for field in item.fields if field not in asked.required)
    for part, fields in _parts(catalog, item, wishes).items():
        yield _line(catalog, item, part, fields, required=False)


def _parts(catalog: Catalog, item: Item, wishes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Form value → fields. A group is one line only when all of it is asked for: its words speak of the whole."""
    if not wishes:
        return {}
    data = catalog.data(item.api, item.datatype)
    parts: dict[str, tuple[str, ...]] = {}
    for field in wishes:
        group = data.fields[field].group
        members = tuple(name for name, entry in data.fields.items() if group is not None and entry.group == group)
        if members and set(members) <= set(wishes):
            parts[f"group.{group}"] = members
        else:
            parts[f"field.{field}"] = (field,)
    return parts


def _line(catalog: Catalog, item: Item, part: str, fields: tuple[str, ...], *, required: bool) -> OfferLine:
    shown = tuple(words.field(catalog, item.api, item.datatype, field) for field in fields)
    label, without = _label_and_effect(catalog, item, part, [one.label for one in shown])
    action = item.actions[0]
    return OfferLine(
        key=f"{form_key(item)}:{part}",
        api=item.api,
        datatype=item.datatype,
        action=action,
        verb=words.verb(catalog, action),
        changes=words.changes(catalog, action),
        label=label,
        datatype_label=words.data(catalog, item.api, item.datatype),
        fields=shown,
        purpose=item.purpose,
        purpose_label=words.purpose(catalog, item.purpose),
        required=required,
        without=without,
        calls=item.calls or None,
    )


def _label_and_effect(catalog: Catalog, item: Item, part: str, labels: list[str]) -> tuple[str, str | None]:
    kind, _, name = part.partition(".")
    if kind == "required":
        # Also how a record is shown: it must not need a catalog that still has its fields.
        return listed(labels), None
    data = catalog.data(item.api, item.datatype)
    if kind == "group":
        return data.groups[name].label, data.groups[name].without
    if kind == "field":
        return labels[0], data.fields[name].without
    effects = [data.fields[field].without for field in item.fields if data.fields[field].without]
    return listed(labels), effects[0] if len(effects) == 1 else None
