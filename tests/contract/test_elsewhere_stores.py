"""The store of requests from elsewhere does what is asked of any, on either database."""

from grantline.testing.elsewhere_stores import ElsewhereStores


class TestElsewhereStores(ElsewhereStores):
    """Over each database."""
