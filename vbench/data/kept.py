"""Arrays that cannot be mapped where they lie, unpacked once into the converted files."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from vbench import places
from vbench.data import room
from vbench.data.files import whole_file, write_whole
from vbench.errors import DataError
from vbench.leftovers import sweep_once
from vbench.locks import locked


class Origin(msgspec.Struct, frozen=True):
    """Which array of which file a converted one was made of, as the file was then.

    A file of the same path, size and time of change may still be another one, as after `rsync -t`:
    its inode and the time of change of that are others.
    """

    path: str
    member: str
    dtype: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @property
    def digest(self) -> str:
        """What names the converted file."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]

    def is_current(self) -> bool:
        """Whether the file is there, and still the same."""
        with contextlib.suppress(OSError):
            return origin(Path(self.path), self.member, self.dtype) == self
        return False


def origin(source: Path, member: str, dtype: str) -> Origin:
    """Describe a file as it is now."""
    path = source.resolve()
    facts = path.stat()
    return Origin(
        path=os.fsencode(path).decode(errors="backslashreplace"),
        member=member,
        dtype=dtype,
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        ctime_ns=facts.st_ctime_ns,
        inode=facts.st_ino,
        device=facts.st_dev,
    )


def folder() -> Path:
    """Where converted files lie."""
    return places.home() / "converted"


def kept_file(
    source: Path,
    member: str,
    dtype: str,
    *,
    declared: int,
    stored: int | None,
    is_whole: Callable[[Path], bool],
    write: Callable[[BinaryIO], None],
) -> Path:
    """Find the converted file of an array, or write it now; two processes write it once.

    Parameters
    ----------
    declared, stored
        Bytes of the array as its header states them, and as the file holds them; by default it
        holds nothing else.
    is_whole
        Whether a file that is there can be used; a damaged one is made anew.

    Raises
    ------
    DataError
        The array is declared to be far larger than what the file holds of it, or the file changed
        while it was read.
    VbenchError
        The array does not fit on the disk.
    """
    known = origin(source, member, dtype)
    path = folder() / f"{known.digest}.npy"
    sweep_once(path.parent)
    if is_whole(path):
        return path
    where = f"{source}: {member.lstrip('/')}" if member else str(source)
    room.check_declared(where, declared, known.size if stored is None else stored)
    with locked(path, f"converting {source}"):
        if is_whole(path):
            return path
        room.check_free(path.parent, declared, where)
        with whole_file(path) as stream:
            write(stream)
            if not known.is_current():
                raise DataError(f"{source}: changed while it was read; call again")
        # After it, so that a file without one was left by a process that ended in between.
        write_whole(path.with_suffix(".json"), msgspec.json.encode(known))
    return path
