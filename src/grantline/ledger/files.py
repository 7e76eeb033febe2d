"""Files that are either there whole and synced, or not there."""

import os
from pathlib import Path


def write_synced(path: Path, data: bytes) -> None:
    """Write beside, sync, rename, sync the directory: after a crash either the old file or the new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    taking = path.with_name(f".{path.name}.new")
    descriptor = os.open(taking, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    taking.rename(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a private file, synced. What a crash left of a line that never counted is cut off first."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        whole = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.ftruncate(descriptor, whole.rfind(b"\n") + 1)
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)
