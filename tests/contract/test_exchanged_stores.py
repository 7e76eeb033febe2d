"""The store of exchanged tokens does what is asked of any, on either database."""

from grantline.testing.exchanged_stores import ExchangedStores


class TestExchangedStores(ExchangedStores):
    """Over each database."""
