"""Everything one transaction over the authority's state file can reach: each part sees only what it asks for."""

from functools import cached_property

from grantline.storage.sqlite.authorization import SqliteBurned, SqliteFamilies, SqliteTickets
from grantline.storage.sqlite.clients import SqliteClients
from grantline.storage.sqlite.consent import SqliteConsents
from grantline.storage.sqlite.cursor import Cursor
from grantline.storage.sqlite.gateways import SqliteGateways
from grantline.storage.sqlite.identity import SqliteEnrolments, SqliteGuesses, SqlitePeople, SqliteSessions
from grantline.storage.sqlite.ledger_outbox import SqliteOutgoingEvents
from grantline.storage.sqlite.shared import SqliteFeedLog, SqliteOutbox


class SqliteTransaction:
    """Implements every part's `Transaction`. Stores are made when first asked for."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    @cached_property
    def outbox(self) -> SqliteOutbox:
        """Events for the ledger."""
        return SqliteOutbox(self._cursor)

    @cached_property
    def feed(self) -> SqliteFeedLog:
        """The revocation feed."""
        return SqliteFeedLog(self._cursor)

    @cached_property
    def people(self) -> SqlitePeople:
        """People."""
        return SqlitePeople(self._cursor)

    @cached_property
    def sessions(self) -> SqliteSessions:
        """Who is signed in."""
        return SqliteSessions(self._cursor)

    @cached_property
    def enrolments(self) -> SqliteEnrolments:
        """One-time links."""
        return SqliteEnrolments(self._cursor)

    @cached_property
    def guesses(self) -> SqliteGuesses:
        """Failed attempts to sign in."""
        return SqliteGuesses(self._cursor)

    @cached_property
    def clients(self) -> SqliteClients:
        """Registered clients."""
        return SqliteClients(self._cursor)

    @cached_property
    def consents(self) -> SqliteConsents:
        """Consents and their versions."""
        return SqliteConsents(self._cursor)

    @cached_property
    def tickets(self) -> SqliteTickets:
        """Single-use state: requests and codes."""
        return SqliteTickets(self._cursor)

    @cached_property
    def families(self) -> SqliteFamilies:
        """Refresh tokens that descend from one code."""
        return SqliteFamilies(self._cursor)

    @cached_property
    def burned(self) -> SqliteBurned:
        """Identifiers that count once."""
        return SqliteBurned(self._cursor)

    @cached_property
    def gateways(self) -> SqliteGateways:
        """Gateways, their sessions, closures and the feed as it is read back."""
        return SqliteGateways(self._cursor)

    @cached_property
    def outgoing(self) -> SqliteOutgoingEvents:
        """The outbox as the relay reads it."""
        return SqliteOutgoingEvents(self._cursor)
