"""The stores of grants without a browser do what is asked of any, on either database."""

from grantline.testing.grant_stores import GrantStores


class TestGrantStores(GrantStores):
    """Over each database."""
