"""The demonstration's catalog, in which APIs want opaque tokens, routes a better sign-in, scopes few calls."""

from typing import Any

import msgspec

from grantline.catalog import Catalog
from grantline.catalog.entries import TokenFormat
from grantline.model.ids import ApiId
from tests.authorization_world import load


def opaque_at(*apis: str) -> Catalog:
    """The catalog whose `apis` ask for opaque tokens."""
    file = load().file
    changed = {
        ApiId(api): msgspec.structs.replace(file.apis[ApiId(api)], token_format=TokenFormat.OPAQUE) for api in apis
    }
    return Catalog.from_file(msgspec.structs.replace(file, apis={**file.apis, **changed}))


def limiting(catalog: Catalog, scope: str, calls: int) -> Catalog:
    """The catalog in which a scope allows so many calls in all."""
    file = catalog.file
    scopes = {**file.scopes, scope: msgspec.structs.replace(file.scopes[scope], calls=calls)}
    return Catalog.from_file(msgspec.structs.replace(file, scopes=scopes))


def demanding(catalog: Catalog, api: str, **demand: Any) -> Catalog:
    """The catalog in which every route of an API demands this of the sign-in."""
    entry = catalog.file.apis[ApiId(api)]
    routes = tuple(msgspec.structs.replace(route, **demand) for route in entry.routes)
    apis = {**catalog.file.apis, ApiId(api): msgspec.structs.replace(entry, routes=routes)}
    return Catalog.from_file(msgspec.structs.replace(catalog.file, apis=apis))
