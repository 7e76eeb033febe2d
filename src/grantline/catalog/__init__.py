"""What may be delegated: APIs, routes, actions, fields, scopes, purposes. Knows no person and no token."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.catalog.asked import Asked, AskedKey, join, key_of
    from grantline.catalog.catalog import Catalog
    from grantline.catalog.described import WELL_KNOWN, metadata_path, metadata_url, resource_metadata
    from grantline.catalog.details import from_detail, to_detail
    from grantline.catalog.entries import CatalogFile
    from grantline.catalog.linter import lint
    from grantline.catalog.load import build_catalog, load_catalog, strict
    from grantline.catalog.schemas import detail_schemas
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "WELL_KNOWN",
    "Asked",
    "AskedKey",
    "Catalog",
    "CatalogFile",
    "build_catalog",
    "detail_schemas",
    "from_detail",
    "join",
    "key_of",
    "lint",
    "load_catalog",
    "metadata_path",
    "metadata_url",
    "resource_metadata",
    "strict",
    "to_detail",
]
