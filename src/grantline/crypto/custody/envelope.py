"""Secrets at rest: AES-256-GCM under the root key, with a header that says how, and what it is (versioned)."""

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grantline.crypto.encoding import b64url, unb64url

MARK = "grantline-sealed"
VERSION = 1
NONCE_BYTES = 12


class NotOpened(Exception):
    """The envelope is not one of ours, of a newer form, changed, of another name, or sealed under another key."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed secret as JSON. `name` says what it is: an envelope in another's place does not open."""

    grantline: str = MARK
    v: int = VERSION
    enc: str = "A256GCM"
    name: str
    nonce: str
    sealed: str

    def header(self) -> bytes:
        """What is authenticated though it is not secret."""
        return "\0".join((self.grantline, str(self.v), self.enc, self.name)).encode()


def seal(key: bytes, name: str, secret: bytes) -> bytes:
    """`secret` for a file. A random nonce of 96 bits is safe for 2^32 uses of one key; we have a few hundred."""
    nonce = os.urandom(NONCE_BYTES)
    bare = Envelope(name=name, nonce=b64url(nonce), sealed="")
    sealed = AESGCM(key).encrypt(nonce, secret, bare.header())
    return msgspec.json.encode(msgspec.structs.replace(bare, sealed=b64url(sealed)))


def unseal(key: bytes, name: str, data: bytes) -> bytes:
    """The secret in an envelope of this name; raises `NotOpened`."""
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        if (envelope.grantline, envelope.enc, envelope.name) != (MARK, "A256GCM", name):
            raise NotOpened(f"it is not the envelope of {name}")
        if envelope.v != VERSION:
            raise NotOpened(f"form {envelope.v} is of a newer release")
        return AESGCM(key).decrypt(unb64url(envelope.nonce), unb64url(envelope.sealed), envelope.header())
    except (msgspec.MsgspecError, ValueError, InvalidTag) as error:
        raise NotOpened("it was changed, or sealed under another root key") from error


def is_sealed(data: bytes) -> bool:
    """Whether this is an envelope at all, of whatever release."""
    try:
        return msgspec.json.decode(data, type=_Marked).grantline == MARK
    except msgspec.MsgspecError:
        return False


class _Marked(msgspec.Struct):
    grantline: str
