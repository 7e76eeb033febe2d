"""The store of signing keys does what the authority asks of any, on either database."""

from grantline.testing.signing_key_stores import SigningKeyStores


class TestSigningKeyStores(SigningKeyStores):
    """Over each database."""
