"""Signed notes, verifier keys and checkpoints (C2SP signed-note, tlog-checkpoint), Ed25519 (type 0x01)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
MAX_NOTE = 1 << 16
MAX_SIGNATURES = 64
_SIGNATURE = re.compile(r"— (\S+) (\S+)")
_NAME = re.compile(r"[^\s+]+\Z")
_P = 2**255 - 19
# y coordinates (sign bit cleared) of all points of small order, reduced or not: such a key accepts foreign signatures.
_SMALL_ORDER = frozenset({
    0, 1, _P - 1, _P, _P + 1,
    2707385501144840649318225287225658788936804267575313519463743609750303021956,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
})  # fmt: skip


class InvalidNote(Exception):
    """The text is no note signed by one of the known keys. The message is for operators."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named Ed25519 public key. `key_id`: first 4 bytes of SHA-256(name ‖ LF ‖ type ‖ key)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which a signature line names this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """`name+hex8(id)+base64(type ‖ key)`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a vkey line. A wrong id, another type or a key of small order is `InvalidNote`."""
        name, public, told = read_key(text, ED25519)
        key = cls(name, public)
        if key.key_id.hex() != told:
            raise InvalidNote("the key's id does not belong to its name and bytes")
        return key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True if `signature` is this key's over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def read_key(text: str, kind: bytes) -> tuple[str, bytes, str]:
    """Name, 32 bytes of an Ed25519 key of this type, and the id that the line claims in hex. Raises `InvalidNote`."""
    name, _, rest = text.strip().partition("+")
    told, _, encoded = rest.partition("+")
    data = _decode(encoded)
    if not _NAME.match(name) or data[:1] != kind or len(data) != 33:
        raise InvalidNote(f"not an Ed25519 key of type {kind.hex()}")
    if int.from_bytes(data[1:], "little") & (1 << 255) - 1 in _SMALL_ORDER:
        raise InvalidNote("a key of small order proves nothing")
    return name, data[1:], told


class NoteSigner:
    """An Ed25519 private key with the name it signs under."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        if not _NAME.match(name):
            raise ValueError(f"a key's name has no spaces and no plus: {name!r}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._key.public_key().public_bytes_raw())

    def sign(self, body: str) -> str:
        """The whole note: body, blank line, one signature line."""
        blob = self.verifier.key_id + self._key.sign(body.encode())
        return f"{body}\n— {self.verifier.name} {base64.b64encode(blob).decode()}\n"


def note_lines(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The body and the signature lines: name, then key id and signature. Raises `InvalidNote`; checks no signature."""
    if len(text) > MAX_NOTE or any(ord(letter) < 0x20 and letter != "\n" for letter in text):
        raise InvalidNote("too long, or it holds a control character")
    head, blank, tail = text.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines.pop() != "" or not 0 < len(lines) <= MAX_SIGNATURES:
        raise InvalidNote("not a signed note")
    found: list[tuple[str, bytes]] = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        blob = _decode(match[2]) if match else b""
        if match is None or len(blob) < 5:
            raise InvalidNote("a signature line is malformed")
        found.append((match[1], blob))
    return head + "\n", found


def open_note(text: str, keys: Iterable[VerifierKey]) -> str:
    """The body, once one of `keys` has signed it. A known key with a wrong signature refuses the whole note."""
    body, lines = note_lines(text)
    known = {(key.name, key.key_id): key for key in keys}
    signed = False
    for name, blob in lines:
        key = known.get((name, blob[:4]))
        if key is not None and not key.verify(body.encode(), blob[4:]):
            raise InvalidNote(f"the signature of {key.name} does not match")
        signed = signed or key is not None
    if not signed:
        raise InvalidNote("no signature by a known key")
    return body


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's state: its origin, its size, its root."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The three lines that are signed (C2SP tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, body: str) -> "Checkpoint":
        """Read a note's body; extension lines are allowed and ignored, anything loose is `InvalidNote`."""
        lines = body.split("\n")
        if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]*", lines[1], re.ASCII) or lines[-1] != "":
            raise InvalidNote("not a checkpoint")
        root = _decode(lines[2])
        if len(root) != 32:
            raise InvalidNote("the root is not a hash")
        return cls(lines[0], int(lines[1]), root)


def open_checkpoint(text: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint of the log that `key` signs for; the origin must be the key's own name."""
    checkpoint = Checkpoint.parse(open_note(text, (key,)))
    if checkpoint.origin != key.name:
        raise InvalidNote(f"a checkpoint of {checkpoint.origin!r} where {key.name!r} is needed")
    return checkpoint


def _decode(text: str) -> bytes:
    """Standard padded base64 in its one canonical form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidNote("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise InvalidNote("not canonical base64")
    return data
