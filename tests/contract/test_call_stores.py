"""The store of calls does what is asked of any, on either database."""

from grantline.testing.call_stores import CallStores


class TestCallStores(CallStores):
    """Over each database."""
