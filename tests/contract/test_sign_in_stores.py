"""The stores of ways to sign in do what identity asks of any, on either database."""

from grantline.testing.sign_in_stores import SignInStores


class TestSignInStores(SignInStores):
    """Over each database."""
