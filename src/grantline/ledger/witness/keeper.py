"""The witness's memory and its one rule: what it cosigned last is a prefix of what it cosigns next.

One file for each log holds the last checkpoint with its signatures. It is synced before anybody sees the cosignature,
so a witness that was killed or restarted never speaks for two histories.
"""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from grantline.crypto.cosignature import Cosigner, WitnessKey
from grantline.crypto.custody.file import read_private, write_private
from grantline.crypto.merkle import EMPTY_ROOT, InvalidProof, verify_consistency
from grantline.crypto.note import Checkpoint, InvalidNote, VerifierKey, note_lines, open_checkpoint
from grantline.ledger.files import write_synced
from grantline.ledger.lock import OnlyOne
from grantline.ledger.witness.request import AddCheckpoint
from grantline.model.clock import Clock


class UnknownLog(Exception):
    """No log of this origin is watched here (404)."""


class NotSigned(Exception):
    """The checkpoint is not signed by the log's key (403)."""


class Behind(Exception):
    """The log has to prove from another size (409): `size`. Also when it shows another root for that size."""

    def __init__(self, size: int, why: str) -> None:
        super().__init__(why)
        self.size = size


class Inconsistent(Exception):
    """The proof does not lead from what was cosigned to what is shown (422): a fork, or a mistake in the proof."""


class Witness:
    """The key and the memory in one `directory`, which is this process's alone. `logs`: keys from a trusted source."""

    def __init__(self, directory: Path, name: str, logs: Iterable[VerifierKey], clock: Clock) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = OnlyOne(directory / "lock", f"Another witness works in {directory}.")
        self._directory, self._clock = directory, clock
        self._cosigner = Cosigner(name, _seed(directory))
        self._logs = {log.name: log for log in logs}
        self._last = {origin: self._remember(log) for origin, log in self._logs.items()}

    @property
    def key(self) -> WitnessKey:
        """The public key, for the policies of those who trust this witness."""
        return self._cosigner.verifier

    def add(self, asked: AddCheckpoint) -> str:
        """The cosignature line. Raises `UnknownLog`, `NotSigned`, `Behind` or `Inconsistent`; then nothing changed."""
        log = self._logs.get(asked.checkpoint.origin)
        if log is None:
            raise UnknownLog(asked.checkpoint.origin)
        try:
            shown = open_checkpoint(asked.note, log)
        except InvalidNote as error:
            raise NotSigned(str(error)) from error
        last = self._last[shown.origin]
        if asked.old != last.size:
            raise Behind(last.size, f"{last.size} entries were cosigned, the proof begins at {asked.old}")
        if shown.size == last.size and shown.root != last.root:
            raise Behind(last.size, f"another root was cosigned for {last.size} entries")
        try:
            verify_consistency(last.size, last.root, shown.size, shown.root, asked.proof)
        except InvalidProof as error:
            raise Inconsistent(f"{last.size} to {shown.size}: {error}") from error
        return self._take(shown, asked.note)

    def _take(self, shown: Checkpoint, note: str) -> str:
        line = self._cosigner.cosign(shown, self._clock.wall_us() // 1_000_000)
        write_synced(self._file(shown.origin), f"{_signed_by_log(note, self._logs[shown.origin])}{line}".encode())
        self._last[shown.origin] = shown
        return line

    def latest(self, origin_hash: str) -> str:
        """The last cosigned checkpoint of the log whose origin has this SHA-256 (hex). Raises `UnknownLog`."""
        for origin in self._logs:
            if hashlib.sha256(origin.encode()).hexdigest() == origin_hash and self._file(origin).exists():
                return self._file(origin).read_text(encoding="utf-8")
        raise UnknownLog(origin_hash)

    def close(self) -> None:
        """Let another process take over."""
        self._lock.release()

    def _remember(self, log: VerifierKey) -> Checkpoint:
        path = self._file(log.name)
        if not path.exists():
            return Checkpoint(log.name, 0, EMPTY_ROOT)
        return open_checkpoint(path.read_text(encoding="utf-8"), log)

    def _file(self, origin: str) -> Path:
        return self._directory / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"


def _signed_by_log(note: str, log: VerifierKey) -> str:
    """The note with the log's own lines and no others: what strangers added is not kept in their name."""
    body, _ = note_lines(note)
    lines = note[len(body) + 1 :].splitlines(keepends=True)
    return body + "\n" + "".join(line for line in lines if line.startswith(f"— {log.name} "))


def _seed(directory: Path) -> bytes:
    path = directory / "seed"
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return read_private(path)
