"""The one process that holds the checkpoint key. It remembers what it signed last and signs nothing but a continuation.

So whoever takes over the ledger's process can add entries but cannot shorten, change or fork what was signed.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

from grantline.crypto.merkle import EMPTY_ROOT, InvalidProof, verify_consistency
from grantline.crypto.note import Checkpoint, InvalidNote, open_note
from grantline.ledger.files import write_synced
from grantline.ledger.lock import OnlyOne
from grantline.ledger.signing_keys import KeyTerm, SigningKeys
from grantline.model.errors import AuditUnavailable, Conflict

MAX_LINE = 1 << 16
# From 3.13 on the loop would look for the socket's file, which the signer's own user may not see.
_LEFT_ALONE: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
_log = structlog.get_logger(__name__)


class Refused(Exception):
    """The signer will not sign this: it is no continuation of what it signed before."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One line to the signer. Without `size` it only asks for the key and the last note. Hashes are base64.

    `rotate`: begin a new key; `at_once`: and end the one before.
    """

    size: int | None = None
    root: bytes = b""
    proof: tuple[bytes, ...] = ()
    rotate: bool = False
    at_once: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line back: the newest key, the terms of all, and the note now in force or why there is no new one."""

    vkey: str
    note: str | None = None
    refused: str | None = None
    keys: tuple[KeyTerm, ...] = ()


class Signer:
    """The keys and the memory. `directory` is the signer's alone."""

    def __init__(self, directory: Path, origin: str, now: Callable[[], float] = time.time) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = OnlyOne(directory / "lock", "This data directory is served already: another signer works in it.")
        self._origin, self._keys = origin, SigningKeys(directory, origin, now)
        self._memory = directory / "checkpoint"
        self._last = self._remember()

    @property
    def vkey(self) -> str:
        """The newest public key in C2SP form."""
        return str(self._keys.newest)

    def _remember(self) -> tuple[Checkpoint, str] | None:
        if not self._memory.exists():
            return None
        note = self._memory.read_text(encoding="utf-8")
        # By whichever key it was signed: a rotation may have been cut short before the note was signed anew.
        return Checkpoint.parse(open_note(note, self._keys.all())), note

    def answer(self, request: Request) -> Reply:
        """Sign a continuation; remember it, synced, before anyone sees the signature."""
        last, note = self._last or (Checkpoint(self._origin, 0, EMPTY_ROOT), None)
        if request.rotate:
            return self._rotate(at_once=request.at_once)
        if request.size is None:
            return self._reply(self._of_today(last, note))
        try:
            verify_consistency(last.size, last.root, request.size, request.root, request.proof)
        except InvalidProof as error:
            return Reply(vkey=self.vkey, refused=f"{last.size} to {request.size}: {error}")
        return self._reply(self._sign(Checkpoint(last.origin, request.size, request.root)))

    def _rotate(self, *, at_once: bool) -> Reply:
        try:
            self._keys.rotate(at_once=at_once)
        except Conflict as error:
            return Reply(vkey=self.vkey, refused=error.message)
        return self._reply(None if self._last is None else self._sign(self._last[0]))

    def _of_today(self, last: Checkpoint, note: str | None) -> str | None:
        """The last note, signed anew if the newest key has not signed it yet."""
        if note is None:
            return None
        try:
            open_note(note, (self._keys.newest,))
        except InvalidNote:
            return self._sign(last)
        return note

    def _sign(self, checkpoint: Checkpoint) -> str:
        signed = self._keys.sign(checkpoint.body())
        write_synced(self._memory, signed.encode())
        self._last = checkpoint, signed
        return signed

    def _reply(self, note: str | None) -> Reply:
        return Reply(vkey=self.vkey, note=note, keys=self._keys.terms)

    def close(self) -> None:
        """Let another signer take over."""
        self._lock.release()


async def serve_signer(signer: Signer, listening: socket.socket, caller: int) -> asyncio.Server:
    """Answer processes of the user `caller` and nobody else; one JSON line in, one out."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            who = peer(writer.get_extra_info("socket"))
            if who != caller:
                _log.warning("signer_asked_by_stranger", uid=who)
                return
            while line := await reader.readline():
                writer.write(msgspec.json.encode(signer.answer(msgspec.json.decode(line, type=Request))) + b"\n")
                await writer.drain()
        except (ValueError, OSError):
            pass  # Not our language, or gone: the connection ends and nothing is signed.
        finally:
            writer.close()

    return await asyncio.start_unix_server(talk, sock=listening, limit=MAX_LINE, **_LEFT_ALONE)


def peer(connection: socket.socket) -> int:
    """The user id that the other end had when it connected, as the kernel says (SO_PEERCRED)."""
    credentials = struct.Struct("3i")
    _, uid, _ = credentials.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(uid)


def listen(path: Path) -> socket.socket:
    """A Unix socket at `path` that its owner alone can reach."""
    make_way(path)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening


def make_way(path: Path) -> None:
    """The directory of a socket, ours alone; what a killed process left there goes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)


class SignerClient:
    """Asks the signer; a new connection each time, as this happens once a second."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def last(self) -> tuple[str, str | None]:
        """The log's key and the last signed note."""
        reply = await self._ask(Request())
        return reply.vkey, reply.note

    async def sign(self, size: int, root: bytes, proof: list[bytes]) -> str:
        """The signed note. Raises `Refused`, or `AuditUnavailable` when nobody answers."""
        reply = await self._ask(Request(size=size, root=root, proof=tuple(proof)))
        if reply.note is None:
            raise Refused(reply.refused or "refused")
        return reply.note

    async def terms(self) -> tuple[KeyTerm, ...]:
        """All keys of the log with their times, the first one first."""
        return (await self._ask(Request())).keys

    async def rotate(self, *, at_once: bool) -> tuple[KeyTerm, ...]:
        """Begin a new key; the terms of all. Raises `Conflict` while two sign already, or `AuditUnavailable`."""
        reply = await self._ask(Request(rotate=True, at_once=at_once))
        if reply.refused is not None:
            raise Conflict(reply.refused)
        return reply.keys

    async def _ask(self, request: Request) -> Reply:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=MAX_LINE)
        except OSError as error:
            raise AuditUnavailable("The signer does not answer.", detail=str(error)) from error
        try:
            writer.write(msgspec.json.encode(request) + b"\n")
            return msgspec.json.decode(await reader.readline(), type=Reply)
        except (OSError, ValueError) as error:
            raise AuditUnavailable("The signer does not answer.", detail=str(error)) from error
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
