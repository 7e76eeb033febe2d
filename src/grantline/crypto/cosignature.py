"""What a witness says of a checkpoint (C2SP tlog-cosignature, cosignature/v1): that it saw this state at this time."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grantline.crypto.note import Checkpoint, InvalidNote, VerifierKey, note_lines, read_key

COSIGNATURE = b"\x04"
_NAME = re.compile(r"[^\s+]+\Z")


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's named Ed25519 public key. Its name is not signed, so no two witnesses may share a key pair."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name ‖ LF ‖ 0x04 ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        """`name+hex8(id)+base64(0x04 ‖ key)`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(COSIGNATURE + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """Read a vkey line; raises `InvalidNote` as `VerifierKey.parse` does."""
        name, public, told = read_key(text, COSIGNATURE)
        key = cls(name, public)
        if key.key_id.hex() != told:
            raise InvalidNote("the key's id does not belong to its name and bytes")
        return key


class Cosigner:
    """A witness's private key with the name it signs under."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        if not _NAME.match(name):
            raise ValueError(f"a key's name has no spaces and no plus: {name!r}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = WitnessKey(name, self._key.public_key().public_bytes_raw())

    def cosign(self, checkpoint: Checkpoint, moment: int) -> str:
        """One signature line, ending with a newline. `moment`: unix seconds."""
        signature = self._key.sign(_message(checkpoint.body(), moment))
        blob = self.verifier.key_id + moment.to_bytes(8, "big") + signature
        return f"— {self.verifier.name} {base64.b64encode(blob).decode()}\n"


def cosigned(note: str, witnesses: Iterable[WitnessKey]) -> dict[WitnessKey, int]:
    """Which of these witnesses cosigned the note, and when (unix seconds).

    A line of a known witness that is wrong raises `InvalidNote`; lines of others say nothing. Whether the log signed
    is for `open_checkpoint` to find out.
    """
    body, lines = note_lines(note)
    known = {(key.name, key.key_id): key for key in witnesses}
    found: dict[WitnessKey, int] = {}
    for name, blob in lines:
        key = known.get((name, blob[:4]))
        if key is None:
            continue
        moment = int.from_bytes(blob[4:12], "big")
        if not VerifierKey(key.name, key.public).verify(_message(body, moment), blob[12:]):
            raise InvalidNote(f"the cosignature of {name} does not match")
        found[key] = moment
    return found


def _message(body: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{body}".encode()
