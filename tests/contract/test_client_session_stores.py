"""The store of sessions at clients does what telling them asks of any, on either database."""

from grantline.testing.client_session_stores import ClientSessionStores


class TestClientSessionStores(ClientSessionStores):
    """Over each database."""
