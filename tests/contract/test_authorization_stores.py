"""The stores do what the authorization server asks of any, on either database."""

from grantline.testing.authorization_stores import AuthorizationStores


class TestAuthorizationStores(AuthorizationStores):
    """Over each database."""
