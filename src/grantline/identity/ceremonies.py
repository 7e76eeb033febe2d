"""What somebody has begun and not finished: single-use, short-lived, kept under the hash of its secret, and typed.

A half sign-in is one of these and no session, so no page can take it for one (check 56); one kind is never taken for
another (check 124).
"""

import hashlib
from enum import StrEnum
from typing import TypeVar

import msgspec

from grantline.identity.methods.store import CeremonyRow
from grantline.identity.store import Transaction
from grantline.model.ids import PersonId, Randomness, opaque

LIFETIME = 600


class Kind(StrEnum):
    """What was begun."""

    SECOND_FACTOR = "second_factor"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    NEW_PASSKEY = "new_passkey"
    NEW_TOTP = "new_totp"
    UPSTREAM = "upstream"


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """The first factor was shown; the second is due. `account`: the throttle's name of the account."""

    amr: tuple[str, ...]
    acr: str
    proved_at: int


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """Random bytes that an authenticator has to sign. `browser`: SHA-256 of who asked; no other browser may answer."""

    challenge: bytes
    browser: str


class NewTotp(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed secret that becomes the person's once a code of it was typed."""

    sealed: bytes


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that was sent to another provider. `link`: for whom to link; None: somebody signs in."""

    provider: str
    nonce: str
    verifier: str
    browser: str
    onward: str
    acr: str = ""
    link: PersonId | None = None


Body = TypeVar("Body", SecondFactor, Challenge, NewTotp, Upstream)


async def begin(
    tx: Transaction, kind: Kind, body: Body, *, person: PersonId | None, now: int, randomness: Randomness
) -> str:
    """Keep it; its secret (256 bits), which only the browser has."""
    secret = opaque("b", randomness, 32)
    encoded = msgspec.msgpack.encode(body)
    await tx.ceremonies.add(CeremonyRow(hashed(secret), kind, person, encoded, now + LIFETIME))
    return secret


async def find(
    tx: Transaction, kind: Kind, secret: str, form: type[Body], now: int
) -> tuple[PersonId | None, Body] | None:
    """Whose it is and what was begun, if it is of this kind, unused and not over. Looking leaves it as it is."""
    return _read(await tx.ceremonies.find(hashed(secret), kind, now), form)


async def finish(
    tx: Transaction, kind: Kind, secret: str, form: type[Body], now: int
) -> tuple[PersonId | None, Body] | None:
    """As `find`, and it is used up: the first caller gets it, nobody after."""
    return _read(await tx.ceremonies.burn(hashed(secret), kind, now), form)


def hashed(secret: str) -> str:
    """Under what a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(row: CeremonyRow | None, form: type[Body]) -> tuple[PersonId | None, Body] | None:
    return None if row is None else (row.person, msgspec.msgpack.decode(row.body, type=form))
