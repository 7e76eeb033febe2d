"""The store of opaque tokens does what is asked of any, on either database."""

from grantline.testing.opaque_stores import OpaqueStores


class TestOpaqueStores(OpaqueStores):
    """Over each database."""
