"""The JSON Schema of each type of authorization detail, made from the catalog, for whoever writes requests.

Requests are read by `details.parse`; a test holds the two together. Not said by a schema: that required fields are
among the fields, and that no other client's ceiling counts.
"""

from typing import Any

from grantline.catalog.details import ALL, MOST_CALLS, permitted_fields
from grantline.catalog.entries import ApiEntry, CatalogFile
from grantline.model.ids import ApiId, PurposeId

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXTS = {"type": "array", "maxItems": 64, "uniqueItems": True}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 256}
_REQUIRED = ["type", "actions", "datatypes", "fields", "purpose"]


def detail_schemas(file: CatalogFile) -> dict[str, dict[str, Any]]:
    """Type → schema of one authorization detail of it (draft 2020-12)."""
    return {entry.type: _schema(file, api, entry) for api, entry in file.apis.items()}


def _schema(file: CatalogFile, api: ApiId, entry: ApiEntry) -> dict[str, Any]:
    uses = [
        _use(file, api, datatype, purpose, permitted)
        for datatype in entry.data
        for purpose in file.purposes
        if (permitted := _permitted(file, api, datatype, purpose))
    ]
    return {
        "$schema": DIALECT,
        "title": entry.type,
        "type": "object",
        "required": _REQUIRED,
        "additionalProperties": False,
        "properties": {
            "type": {"const": entry.type},
            "actions": {**_TEXTS, "minItems": 1},
            "datatypes": {**_TEXTS, "minItems": 1, "maxItems": 1},
            "fields": {**_TEXTS, "minItems": 1},
            "required": {"anyOf": [{"type": "null"}, _TEXTS]},
            "purpose": {"type": "string"},
            "locations": {"enum": [[], [entry.resource]]},
            "resources": {**_TEXTS, "items": _TEXT},
            "lookback_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 36_500},
            "explicit": {"type": "boolean"},
            "calls": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_CALLS},
        },
        "anyOf": uses or [{"not": {}}],
    }


def _permitted(file: CatalogFile, api: ApiId, datatype: str, purpose: PurposeId) -> dict[str, tuple[str, ...]]:
    """Action → the fields that this purpose may use for it, where there are any."""
    found = {action: permitted_fields(file, api, datatype, (action,), purpose) for action in file.actions}
    return {action: fields for action, fields in found.items() if fields}


def _use(
    file: CatalogFile, api: ApiId, datatype: str, purpose: PurposeId, permitted: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    """One kind of data for one purpose: each action that is named narrows the fields."""
    properties: dict[str, Any] = {
        "datatypes": {"const": [datatype]},
        "purpose": {"const": purpose},
        "actions": {"items": {"enum": list(permitted)}},
    }
    if file.apis[api].data[datatype].date_field is None:
        properties["lookback_days"] = {"type": "null"}
    return {"properties": properties, "allOf": [_when(action, fields) for action, fields in permitted.items()]}


def _when(action: str, fields: tuple[str, ...]) -> dict[str, Any]:
    """With this action, these fields, or all of them by the wildcard: then none is required."""
    some: dict[str, Any] = {"fields": {"items": {"enum": list(fields)}}, "required": {"items": {"enum": list(fields)}}}
    every: dict[str, Any] = {"fields": {"const": [ALL]}, "required": {"maxItems": 0}}
    return {
        "if": {"properties": {"actions": {"contains": {"const": action}}}},
        "then": {"anyOf": [{"properties": some}, {"properties": every}]},
    }
