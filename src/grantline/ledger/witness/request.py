"""What a log asks of a witness (C2SP tlog-witness): `old <size>`, a consistency proof, a blank line, a checkpoint."""

import base64
import re
from dataclasses import dataclass

from grantline.crypto.note import MAX_NOTE, Checkpoint, InvalidNote, note_lines
from grantline.model.errors import InvalidRequest

MAX_PROOF = 63
MAX_REQUEST = MAX_NOTE + 64 + MAX_PROOF * 45
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """`old`: the size up to which the log believes the witness knows it. `note`: not verified yet."""

    old: int
    proof: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "AddCheckpoint":
        """Raises `InvalidRequest`, also where `old` is beyond the checkpoint's size."""
        try:
            head, _, note = data.decode().partition("\n\n")
        except UnicodeDecodeError as error:
            raise InvalidRequest("The request is not UTF-8.") from error
        first, *lines = head.split("\n")
        match = _OLD.fullmatch(first)
        if match is None or len(lines) > MAX_PROOF:
            raise InvalidRequest("The request begins with 'old SIZE' and at most 63 hashes.")
        try:
            checkpoint = Checkpoint.parse(note_lines(note)[0])
            proof = tuple(_hash(line) for line in lines)
        except (InvalidNote, ValueError) as error:
            raise InvalidRequest(f"The request cannot be read: {error}.") from error
        if int(match[1]) > checkpoint.size:
            raise InvalidRequest("The old size is beyond the checkpoint's.")
        return cls(int(match[1]), proof, note, checkpoint)

    def to_bytes(self) -> bytes:
        """As it is sent."""
        proof = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.proof)
        return f"old {self.old}\n{proof}\n{self.note}".encode()


def _hash(line: str) -> bytes:
    data = base64.b64decode(line, validate=True)
    if len(data) != 32 or base64.b64encode(data).decode() != line:
        raise ValueError("a line of the proof is no hash")
    return data
