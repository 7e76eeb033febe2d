"""The stores of people and their sessions do what identity asks of any, on either database."""

from grantline.testing.people_stores import PeopleStores


class TestPeopleStores(PeopleStores):
    """Over each database."""
