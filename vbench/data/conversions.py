"""Arrays that cannot be mapped where they lie, unpacked once into the converted files.

Beside each lies a note of what it was made of and what it must be: one that was damaged since is
made anew.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import msgspec

from vbench import _paths
from vbench._leftovers import sweep_once
from vbench._locks import hold_lock
from vbench.data.files import check_declared, check_free, whole_file, write_whole
from vbench.errors import DataError

_BLOCK_BYTES = 4 << 20

_seen_whole: set[tuple[Path, int, int]] = set()
"""Converted files that were summed up in this process: path, inode and time of change."""


class Writable(Protocol):
    """What an array is written to."""

    def write(self, content: Any, /) -> int:
        """Write bytes; how many."""


class State(msgspec.Struct, frozen=True):
    """A file as it was when it was read.

    A file of the same path, size and time of change may still be another one, as after `rsync -t`:
    its inode and the time of change of that are others.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    def is_current(self) -> bool:
        """Whether the file is there, and still the same."""
        with contextlib.suppress(OSError):
            return state(Path(self.path)) == self
        return False


class Origin(msgspec.Struct, frozen=True):
    """Which array of which files a converted one was made of."""

    files: tuple[State, ...]
    member: str
    dtype: str

    @property
    def digest(self) -> str:
        """What names the converted file."""
        return sha256(msgspec.json.encode(self)).hexdigest()[:32]

    def is_current(self) -> bool:
        """Whether all files are still the same."""
        return all(file.is_current() for file in self.files)


class Note(msgspec.Struct, frozen=True):
    """What lies beside a converted file: what it was made of, its size and its sum."""

    origin: Origin
    bytes: int
    crc32: int


def state(path: Path) -> State:
    """Describe a file as it is now."""
    path = path.resolve()
    facts = path.stat()
    return State(
        path=os.fsencode(path).decode(errors="backslashreplace"),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        ctime_ns=facts.st_ctime_ns,
        inode=facts.st_ino,
        device=facts.st_dev,
    )


def folder() -> Path:
    """Where converted files lie."""
    return _paths.home() / "converted"


def read_note(path: Path) -> Note | None:
    """The note of a converted file; None where it has none that can be read."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=Note)
    return None


def kept_file(
    sources: Sequence[Path],
    member: str,
    dtype: str,
    *,
    declared: int,
    stored: int | None,
    write: Callable[[Writable], None],
) -> Path:
    """Find the converted file of an array, or write it now; two processes write it once.

    Parameters
    ----------
    sources
        The files that hold the array, or its parts.
    declared, stored
        Bytes of the array as its header states them, and as the files hold them; by default these
        hold nothing else.

    Raises
    ------
    DataError
        The array is declared to be far larger than what the files hold of it, or they changed
        while they were read.
    VbenchError
        The array does not fit on the disk.
    """
    origin = Origin(tuple(map(state, sources)), member, dtype)
    path = folder() / f"{origin.digest}.npy"
    sweep_once(path.parent)
    if _is_whole(path):
        return path
    where = f"{sources[0]}" + (f": {member.lstrip('/')}" if member else "")
    if stored is None:
        stored = sum(file.size for file in origin.files)
    check_declared(where, declared, stored)
    with hold_lock(path, f"converting {sources[0]}"):
        if _is_whole(path):
            return path
        check_free(path.parent, declared, where)
        with whole_file(path) as stream:
            summed = _Summed(stream)
            write(summed)
            if not origin.is_current():
                raise DataError(f"{sources[0]}: changed while it was read; call again")
        # After it, so that a file without one was left by a process that ended in between.
        note = Note(origin, summed.bytes, summed.crc32)
        write_whole(path.with_suffix(".json"), msgspec.json.encode(note))
    return path


class _Summed:
    """Writes to a stream, and sums up what goes there."""

    def __init__(self, stream: Writable) -> None:
        self._stream = stream
        self.bytes = self.crc32 = 0

    def write(self, content: Any, /) -> int:
        self.crc32 = zlib.crc32(content, self.crc32)
        self.bytes += memoryview(content).nbytes
        return self._stream.write(content)


def _is_whole(path: Path) -> bool:
    """Whether a converted file is there and is what was written; summed up once in a process."""
    try:
        facts = path.stat()
    except OSError:
        return False
    key = path, facts.st_ino, facts.st_ctime_ns
    if key in _seen_whole:
        return True
    note = read_note(path)
    if note is None or note.bytes != facts.st_size:
        return False
    found = 0
    with contextlib.suppress(OSError), path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            found = zlib.crc32(block, found)
    if found != note.crc32:
        return False
    _seen_whole.add(key)
    return True
