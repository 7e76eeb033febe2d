"""What an operator may set about clients that register themselves. Nobody may, unless it is said here."""

from dataclasses import dataclass

import msgspec

from grantline.model.setting import setting


class StatementIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[registration.statement_issuers]]` table: who vouches for software, and where its keys stand."""

    issuer: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """All times in seconds unless named otherwise."""

    dynamic: bool = setting(
        False, help="Whether clients with an initial access token may register themselves (RFC 7591, 7592)."
    )
    documents: bool = setting(
        False, help="Whether a client's id may be the address of its own metadata document, as MCP clients want it."
    )
    document_scopes: tuple[str, ...] = setting(
        (), help="Scopes that clients with a metadata document may ask for. None, unless they are named."
    )
    document_details: tuple[str, ...] = setting(
        (), help="Types of authorization_details that clients with a metadata document may ask for."
    )
    document_bearer: bool = setting(
        True, help="Whether they may hold tokens without a key. False demands DPoP of each of them."
    )
    document_least: int = setting(300, help="Shortest time for which a document is kept, whatever its headers say.")
    document_most: int = setting(86_400, help="Longest time for which a document is kept.")
    document_unsaid: int = setting(3_600, help="How long a document is kept whose headers say nothing.")
    document_grace: int = setting(86_400, help="How long a document still counts after that, if it cannot be fetched.")
    documents_per_minute: int = setting(60, help="New documents that are fetched in a minute, for everybody together.")
    most_clients: int = setting(10_000, help="Clients that registered themselves, at most; when full no more come.")
    unused_days: int = setting(30, help="Days after which such a client that nobody was asked for is forgotten.")
    statement_issuers: tuple[StatementIssuer, ...] = setting(
        (), help="Whose software statements are believed when a client registers itself."
    )
