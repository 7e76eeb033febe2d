"""The stores of registered clients do what the registry asks of any, on either database."""

from grantline.testing.registration_stores import RegistrationStores


class TestRegistrationStores(RegistrationStores):
    """Over each database."""
