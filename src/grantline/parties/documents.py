"""Clients whose id is the https address of their own metadata (draft-ietf-oauth-client-id-metadata-document)."""

import re
from urllib.parse import urlsplit

import msgspec

from grantline.fetching import CannotFetch, read_url
from grantline.model.errors import OAuthError
from grantline.model.reading import decoded
from grantline.parties.clients import Client, Origin
from grantline.parties.metadata import InvalidMetadata, read_metadata
from grantline.parties.self_registration import Frame, RegistrationPolicy, to_client

MAX_ID = 200
_HIDDEN_STEP = re.compile(r"%2e|%2f|%5c|(?:^|/)\.{1,2}(?:[;/]|$)", re.IGNORECASE)
_SECRET_MEMBERS = ("client_secret", "client_secret_expires_at")


def is_document_id(name: str, private_hosts: tuple[str, ...] = ()) -> bool:
    """True for an address that may be a client id (draft §3): https and plain, with a path, and with nothing hidden.

    No user name, fragment, query, dot segment or escaped one; a port is 443 or above 1023. Nothing else is one, so no
    client that is registered otherwise can have such an id, or the other way round (check 138).
    """
    if len(name) > MAX_ID or "?" in name:
        return False
    try:
        place = read_url(name, private_hosts)
    except CannotFetch:
        return False
    path = urlsplit(place.text).path
    return path not in {"", "/"} and not _HIDDEN_STEP.search(path)


def read_document(name: str, body: bytes, policy: RegistrationPolicy) -> Client:
    """The registration that the document at `name` stands for.

    Raises `ValueError` for what is no such document: not a JSON object, another's id, a shared secret (checks 134,
    135), or metadata that may not be registered.
    """
    try:
        data = decoded(body)
    except msgspec.DecodeError as error:
        raise ValueError("not JSON") from error
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    if data.get("client_id") != name:
        raise ValueError("its client_id is another")
    for member in _SECRET_MEMBERS:
        if member in data:
            raise ValueError(f"{member} in a public document")
    try:
        said = read_metadata(data)
        # What a document says of software is as public as the document: it proves nothing about who serves it.
        client = to_client(said, Frame(id=name, origin=Origin.DOCUMENT, policy=policy, home=name))
        if "authorization_code" not in client.grants:
            raise InvalidMetadata("grant_types: a client with a document asks people, by authorization_code.")
    except OAuthError as error:
        raise ValueError(error.message) from error
    return client
