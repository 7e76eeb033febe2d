"""Asks other people's servers, under guard: https, public addresses, small answers. Knows nothing of OAuth."""

from typing import TYPE_CHECKING

from grantline.model.door import opens_on_use

if TYPE_CHECKING:
    from grantline.fetching.addresses import is_public, resolve
    from grantline.fetching.errors import CannotFetch
    from grantline.fetching.fetcher import Fetched, Fetcher
    from grantline.fetching.freshness import Bounds, fresh_for
    from grantline.fetching.kept import Kept
    from grantline.fetching.settings import FetchSettings
    from grantline.fetching.shapes import JWKS, LOGO, METADATA, PROVIDER, REQUEST_OBJECT, SECTOR, Shape
    from grantline.fetching.urls import read_url
else:
    __getattr__ = opens_on_use(__name__)

__all__ = [
    "JWKS",
    "LOGO",
    "METADATA",
    "PROVIDER",
    "REQUEST_OBJECT",
    "SECTOR",
    "Bounds",
    "CannotFetch",
    "FetchSettings",
    "Fetched",
    "Fetcher",
    "Kept",
    "Shape",
    "fresh_for",
    "is_public",
    "read_url",
    "resolve",
]
