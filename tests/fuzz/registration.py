"""What clients say of themselves: registrations, metadata documents, software statements, declared clients."""

from typing import Any

import msgspec

from grantline.authorization.software_statements import with_statement
from grantline.model.errors import InvalidConfiguration, OAuthError
from grantline.model.reading import decoded
from grantline.parties import (
    AuthMethod,
    Frame,
    Origin,
    RegistrationPolicy,
    is_document_id,
    read_client,
    read_document,
    read_metadata,
    to_client,
)
from tests.fuzz.target import at_once, refused, target, text

ADDRESS = "https://app.example/client.json"
POLICY = RegistrationPolicy(scopes=("accounts.read",), methods=tuple(AuthMethod), details=("bank",))
FRAME = Frame(id="c-1", origin=Origin.REGISTERED, policy=POLICY, secret_hashes=("0" * 64,))


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object; anything else is refused where bodies are read (`form` of `messages.registration_body`)."""
    try:
        found = decoded(data)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


@target
def client_metadata(data: bytes) -> None:
    """A registration by the client itself: never more than its policy, and itself readable as a declaration."""
    with refused(OAuthError):
        client = to_client(read_metadata(_object(data)), FRAME)
        assert set(client.scopes) <= {*POLICY.scopes, "openid", "offline_access"}
        assert set(client.grants) <= set(POLICY.grants)
        assert client.auth in POLICY.methods
        assert read_client(msgspec.to_builtins(client)) == client


@target
def client_document(data: bytes) -> None:
    """A metadata document: a public client, or none."""
    with refused(ValueError):
        client = read_document(ADDRESS, data, POLICY)
        assert client.id == ADDRESS
        assert not client.secret_hashes


@target
def document_address(data: bytes) -> None:
    """An id that is an address: https, plain, and with a path."""
    name = text(data)
    if is_document_id(name):
        assert name.startswith("https://")
        assert name.isascii()
        assert not set(name) & set("?#@\\ ")


@target
def declared_client(data: bytes) -> None:
    """A client of a declaration or of the operator's API."""
    with refused(InvalidConfiguration):
        client = read_client(_object(data))
        assert read_client(msgspec.to_builtins(client)) == client


@target
def software_statement(data: bytes) -> None:
    """A statement of an issuer whom nobody trusts, as JSON of any kind or as text."""
    for statement in (_object(data) or None, text(data)):
        with refused(OAuthError):
            assert at_once(with_statement(_Trusting(), {"software_statement": statement})) == {
                "software_statement": None
            }


class _Trusting:
    """A server that trusts nobody's statements."""

    registration = POLICY_OF_SERVER = type("Registration", (), {"statement_issuers": ()})
    fetch = None
