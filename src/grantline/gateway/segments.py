"""The spool's files: frames of length, checksum, link and bytes. A link is SHA-256(link before ‖ bytes), so that a
changed, dropped or reordered frame breaks every later one.

    file    ::= frame*  0x00*                     the first frame's bytes are the file's own header
    frame   ::= length(4) crc32(4) link(32) bytes(length)
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grantline.model.errors import GrantlineError
from grantline.model.reading import decoded

SEGMENT_BYTES = 4 << 20
SUFFIX = ".spool"
_HEAD = struct.Struct(">II")
_LINK = 32


class Torn(GrantlineError):
    """A file does not continue as written. What stands before that place is good."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """First frame of a file: whose numbering it continues, from where, and the link before it (hex)."""

    v: int
    boot: str
    first: int
    link: str


@dataclass(slots=True)
class Place:
    """Where the next frame goes: offset in the file, and the link it follows."""

    offset: int
    link: bytes


def frame(data: bytes, before: bytes) -> tuple[bytes, bytes]:
    """The frame of `data` and its link."""
    link = hashlib.sha256(before + data).digest()
    return _HEAD.pack(len(data), zlib.crc32(data, zlib.crc32(link))) + link + data, link


def create(folder: Path, header: Header) -> tuple[int, Place, Path]:
    """A new file with its room on the disk taken beforehand, durable with its name. Raises OSError."""
    path = folder / f"{header.first:020d}{SUFFIX}"
    making = path.with_suffix(".new")
    descriptor = os.open(making, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, SEGMENT_BYTES)
        data, link = frame(msgspec.json.encode(header), bytes.fromhex(header.link))
        os.pwrite(descriptor, data, 0)
        os.fsync(descriptor)
        making.rename(path)
        sync_folder(folder)
    except OSError:
        os.close(descriptor)
        making.unlink(missing_ok=True)
        raise
    return descriptor, Place(len(data), link), path


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> tuple[Header, Iterator[tuple[bytes, bytes]]]:
    """The header of a file, and its frames as (bytes, link). The iterator raises `Torn` where the file breaks off."""
    content = path.read_bytes()
    frames = _frames(content)
    try:
        first, link = next(frames)
        header = decoded(first, Header)
        before = bytes.fromhex(header.link)
    except (StopIteration, ValueError, Torn) as error:
        raise Torn(f"{path.name} has no header") from error
    if hashlib.sha256(before + first).digest() != link:
        raise Torn(f"{path.name} has a header that does not follow its link")
    return header, _linked(frames, link)


def _frames(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset + _HEAD.size + _LINK <= len(content):
        length, checksum = _HEAD.unpack_from(content, offset)
        if length == 0:
            break
        start = offset + _HEAD.size + _LINK
        link, data = content[start - _LINK : start], content[start : start + length]
        if len(data) != length or zlib.crc32(data, zlib.crc32(link)) != checksum:
            raise Torn(f"the frame at byte {offset} is not whole")
        yield data, link
        offset = start + length
    if content[offset:].strip(b"\0"):
        raise Torn(f"there are bytes after the last frame at byte {offset}")


def _linked(frames: Iterator[tuple[bytes, bytes]], link: bytes) -> Iterator[tuple[bytes, bytes]]:
    for data, own in frames:
        if hashlib.sha256(link + data).digest() != own:
            raise Torn("a frame does not follow the one before it")
        yield data, own
        link = own
