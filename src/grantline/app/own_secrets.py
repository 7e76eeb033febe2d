"""What only the authority knows besides its signing keys: each secret in a file of its own, sealed."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from grantline.app.places import Places
from grantline.app.root_key import open_root_key
from grantline.app.setup import AUTHORITY
from grantline.authorization.keys import KeySettings
from grantline.crypto.custody.own_key import own_key
from grantline.crypto.custody.root import RootKey
from grantline.crypto.custody.sealed_files import read_sealed
from grantline.crypto.es256 import SigningKey
from grantline.ledger.client import LedgerClient
from grantline.ledger.settings import Places as LedgerPlaces

SIZE = 32


@dataclass(frozen=True, slots=True)
class OwnSecrets:
    """`pairwise`: 32 bytes from which pairwise subjects are made. `identity`: 32 bytes that seal what people sign in
    with. `producer`: by which the authority proves itself to the ledger.
    """

    pairwise: bytes = field(repr=False)
    identity: bytes = field(repr=False)
    producer: SigningKey


def open_own_secrets(places: Places, root: RootKey) -> OwnSecrets:
    """All of them, made on first use; what an older release left in clear is sealed. Raises `InvalidConfiguration`."""
    return OwnSecrets(
        pairwise=_random(places.pairwise_key, root),
        identity=_random(places.identity_key, root),
        producer=own_key(places.producer_key, root),
    )


def ask_ledger(data: Path, keys: KeySettings | None = None) -> LedgerClient:
    """Asks the ledger of this machine as the authority does. `keys`: the settings, for the root key's passphrase."""
    return LedgerClient(LedgerPlaces(data).ledger_socket, AUTHORITY, producer_key(data, keys))


def producer_key(data: Path, keys: KeySettings | None = None) -> SigningKey:
    """By which the authority proves itself to the ledger; its public half stands in `ledger/producers.json`."""
    places = Places(data)
    return own_key(places.producer_key, open_root_key(keys or KeySettings(), places))


def _random(path: Path, root: RootKey) -> bytes:
    return read_sealed(path, root, make=lambda: secrets.token_bytes(SIZE))
