"""Everything one transaction over the authority's state file can reach: each part sees only what it asks for."""

from functools import cached_property

from grantline.storage.sql.authorization import SqlBurned, SqlFamilies, SqlTickets
from grantline.storage.sql.calls import SqlCalls
from grantline.storage.sql.client_sessions import SqlClientSessions
from grantline.storage.sql.clients import SqlClients
from grantline.storage.sql.consent import SqlConsents
from grantline.storage.sql.cursor import Cursor
from grantline.storage.sql.elsewhere import SqlElsewhere
from grantline.storage.sql.exchanged_tokens import SqlExchangedTokens
from grantline.storage.sql.gateways import SqlGateways
from grantline.storage.sql.grants import SqlDescents, SqlTrustedIssuers
from grantline.storage.sql.identity import SqlEnrolments, SqlGuesses, SqlPeople, SqlSessions
from grantline.storage.sql.opaque_tokens import SqlOpaqueTokens
from grantline.storage.sql.outgoing import SqlOutgoingEvents
from grantline.storage.sql.registration import SqlInitialTokens, SqlRegistrations
from grantline.storage.sql.shared import SqlFeedLog, SqlOutbox
from grantline.storage.sql.sign_in import SqlCeremonies, SqlLinks, SqlPasskeys, SqlRecoveryCodes, SqlTotps
from grantline.storage.sql.signing_keys import SqlSigningKeys


class SqlTransaction:
    """Implements every part's `Transaction`. Stores are made when first asked for."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    @cached_property
    def outbox(self) -> SqlOutbox:
        """Events for the ledger."""
        return SqlOutbox(self._cursor)

    @cached_property
    def feed(self) -> SqlFeedLog:
        """The revocation feed."""
        return SqlFeedLog(self._cursor)

    @cached_property
    def people(self) -> SqlPeople:
        """People."""
        return SqlPeople(self._cursor)

    @cached_property
    def sessions(self) -> SqlSessions:
        """Who is signed in."""
        return SqlSessions(self._cursor)

    @cached_property
    def enrolments(self) -> SqlEnrolments:
        """One-time links."""
        return SqlEnrolments(self._cursor)

    @cached_property
    def guesses(self) -> SqlGuesses:
        """Failed attempts to sign in."""
        return SqlGuesses(self._cursor)

    @cached_property
    def passkeys(self) -> SqlPasskeys:
        """Passkeys."""
        return SqlPasskeys(self._cursor)

    @cached_property
    def totps(self) -> SqlTotps:
        """Apps for codes."""
        return SqlTotps(self._cursor)

    @cached_property
    def recovery_codes(self) -> SqlRecoveryCodes:
        """Recovery codes."""
        return SqlRecoveryCodes(self._cursor)

    @cached_property
    def links(self) -> SqlLinks:
        """Accounts elsewhere that sign in here."""
        return SqlLinks(self._cursor)

    @cached_property
    def ceremonies(self) -> SqlCeremonies:
        """Sign-ins begun and not finished."""
        return SqlCeremonies(self._cursor)

    @cached_property
    def client_sessions(self) -> SqlClientSessions:
        """At which clients sessions are signed in."""
        return SqlClientSessions(self._cursor)

    @cached_property
    def clients(self) -> SqlClients:
        """Registered clients."""
        return SqlClients(self._cursor)

    @cached_property
    def registrations(self) -> SqlRegistrations:
        """How clients came that no operator declared."""
        return SqlRegistrations(self._cursor)

    @cached_property
    def initial_tokens(self) -> SqlInitialTokens:
        """Who may register itself."""
        return SqlInitialTokens(self._cursor)

    @cached_property
    def consents(self) -> SqlConsents:
        """Consents and their versions."""
        return SqlConsents(self._cursor)

    @cached_property
    def descents(self) -> SqlDescents:
        """Which consent is part of which."""
        return SqlDescents(self._cursor)

    @cached_property
    def calls(self) -> SqlCalls:
        """Calls that were given out of a limited number."""
        return SqlCalls(self._cursor)

    @cached_property
    def issuers(self) -> SqlTrustedIssuers:
        """Whose statements about people are believed."""
        return SqlTrustedIssuers(self._cursor)

    @cached_property
    def opaque_tokens(self) -> SqlOpaqueTokens:
        """What opaque access tokens stand for."""
        return SqlOpaqueTokens(self._cursor)

    @cached_property
    def exchanged(self) -> SqlExchangedTokens:
        """Which access token was made from which."""
        return SqlExchangedTokens(self._cursor)

    @cached_property
    def tickets(self) -> SqlTickets:
        """Single-use state: requests and codes."""
        return SqlTickets(self._cursor)

    @cached_property
    def elsewhere(self) -> SqlElsewhere:
        """Requests that are answered on another device."""
        return SqlElsewhere(self._cursor)

    @cached_property
    def families(self) -> SqlFamilies:
        """Refresh tokens that descend from one code."""
        return SqlFamilies(self._cursor)

    @cached_property
    def burned(self) -> SqlBurned:
        """Identifiers that count once."""
        return SqlBurned(self._cursor)

    @cached_property
    def signing_keys(self) -> SqlSigningKeys:
        """Signing keys."""
        return SqlSigningKeys(self._cursor)

    @cached_property
    def gateways(self) -> SqlGateways:
        """Gateways, their sessions, closures and the feed as it is read back."""
        return SqlGateways(self._cursor)

    @cached_property
    def outgoing(self) -> SqlOutgoingEvents:
        """The outbox as the relay reads it."""
        return SqlOutgoingEvents(self._cursor)
