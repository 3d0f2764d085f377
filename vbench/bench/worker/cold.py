"""Cold searches: what an index reads of files is taken out of memory before each query."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vbench.indexes.answers import AnswerError

_MOST_RESIDENT = 0.1
"""Of the pages of the files that may be left in memory where they count as cold."""


class _Open(NamedTuple):
    """A file, and where this process has mapped it: begin and length."""

    descriptor: int
    path: Path
    mapped: list[tuple[int, int]]


class ColdFiles:
    """Files whose pages an unprivileged process can ask the system to forget."""

    def __init__(self, files: Sequence[_Open]) -> None:
        self._files = files
        self._libc = ctypes.CDLL(None, use_errno=True)

    def evict(self) -> None:
        """Forget the pages of all files, those that are mapped in this process too."""
        for file in self._files:
            for begin, length in file.mapped:
                self._libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), _DONTNEED)
            os.posix_fadvise(file.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def resident(self) -> float:
        """Share of the pages that are in memory."""
        pages = held = 0
        for file in self._files:
            size = os.fstat(file.descriptor).st_size
            # A private mapping, of which ctypes gives the address; nothing is written.
            with mmap.mmap(file.descriptor, size, flags=mmap.MAP_PRIVATE) as seen:
                count = -(-size // mmap.PAGESIZE)
                there = (ctypes.c_ubyte * count)()
                first = ctypes.c_char.from_buffer(seen)
                self._libc.mincore(
                    ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), there
                )
                del first
                pages, held = pages + count, held + sum(each & 1 for each in there)
        return held / pages if pages else 0.0


_DONTNEED = 4
"""MADV_DONTNEED."""


@contextlib.contextmanager
def open_cold(files: Sequence[Path]) -> Iterator[ColdFiles]:
    """The files that an index reads, made sure that they can be forgotten.

    Raises
    ------
    AnswerError
        There are none, one cannot be opened, or their pages stay in memory.
    """
    if not files:
        raise AnswerError("files() names none that a search reads", "give the paths of all of them")
    found: list[_Open] = []
    try:
        for path in files:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise AnswerError(f"files() names {path}: {error.strerror}") from None
            # What is not written yet cannot be forgotten.
            os.fsync(descriptor)
            found.append(_Open(descriptor, Path(path), _mapped(descriptor)))
        cold = ColdFiles([each for each in found if os.fstat(each.descriptor).st_size])
        cold.evict()
        if (left := cold.resident()) > _MOST_RESIDENT:
            raise AnswerError(
                f"{left:.0%} of the pages of its files stay in memory, as where another process "
                "has them mapped, or the file system keeps everything there"
            )
        yield cold
    finally:
        for each in found:
            os.close(each.descriptor)


def _mapped(descriptor: int) -> list[tuple[int, int]]:
    """Where this process has mapped a file; parts that it may write to are left out."""
    status = os.fstat(descriptor)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, on, inode, *_ = line.split(maxsplit=5)
        if (on, inode) == (device, str(status.st_ino)) and "w" not in rights:
            begin, end = (int(each, 16) for each in addresses.split("-"))
            found.append((begin, end - begin))
    return found
