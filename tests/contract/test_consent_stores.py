"""The store of consents does what consents ask of any, on either database."""

from grantline.testing.consent_stores import ConsentStores


class TestConsentStores(ConsentStores):
    """Over each database."""
