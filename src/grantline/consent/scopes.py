"""Which scope names still tell the truth after the person has narrowed what they stand for."""

from grantline.catalog import AskedKey, Catalog, key_of
from grantline.model.consent import Item


def granted_scope(catalog: Catalog, requested: str, granted: tuple[Item, ...]) -> str:
    """The requested scopes of which something was granted, in their order, space separated.

    Scopes that are no names for data (`openid`) stay. What exactly is granted stands in the authorization details.
    """
    have = {key_of(item) for item in granted}
    return " ".join(scope for scope in requested.split() if _holds(catalog, scope, have))


def _holds(catalog: Catalog, scope: str, have: set[AskedKey]) -> bool:
    if scope not in catalog.file.scopes:
        return True
    return any(key_of(item) in have for item in catalog.scope_items((scope,)))
