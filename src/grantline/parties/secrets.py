"""Secrets of clients: 256 random bits, shown once, kept as their SHA-256 (check 71). Two may be good at a time.

A plain hash is enough for what nobody can guess; people's passwords are another matter.
"""

import hashlib
import hmac

import msgspec

from grantline.crypto.encoding import b64url
from grantline.model.errors import InvalidConfiguration
from grantline.model.ids import Randomness
from grantline.parties.clients import Client
from grantline.parties.profile_rules import SECRETS

SECRET_BYTES = 32
MOST_SECRETS = 2


def is_secret_of(client: Client, secret: str) -> bool:
    """True for a secret that the client was given. Every kept one is compared, each in constant time."""
    shown = hash_of(secret)
    right = [hmac.compare_digest(shown, kept) for kept in client.secret_hashes]
    return any(right)


def hash_of(secret: str) -> str:
    """How a secret is kept: SHA-256 as 64 hex digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def with_new_secret(client: Client, randomness: Randomness, *, alone: bool) -> tuple[Client, str]:
    """The client with one more secret, and that secret. The last one stays good beside it unless `alone`.

    Raises `InvalidConfiguration` for a client that proves itself in another way.
    """
    if client.auth not in SECRETS:
        raise InvalidConfiguration(f"{client.id} proves itself by {client.auth.value}, which takes no secret.")
    secret = b64url(randomness(SECRET_BYTES))
    earlier = () if alone else client.secret_hashes[: MOST_SECRETS - 1]
    return msgspec.structs.replace(client, secret_hashes=(hash_of(secret), *earlier)), secret
