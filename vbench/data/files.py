"""Files that are either whole or not there, of a size that is likely and that fits."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vbench import _invocation, _paths
from vbench._leftovers import TemporaryFolder, temporary_file
from vbench.errors import DataError, VbenchError
from vbench.numbers import write

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Others may come from what is read to fill the file.
_OF_THE_DISK = _FULL | {errno.EROFS, errno.EACCES, errno.EIO}
_LARGEST_RATIO = 100
"""Vectors that people publish are compressed to a tenth at best, pictures of digits too."""
_HARMLESS_BYTES = 8 << 20


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when it is complete.

    A temporary file in the same folder, fsync, then a rename, which is atomic: after a crash the
    old file or none is there, at the price of one flush to disk.

    Raises
    ------
    VbenchError
        The disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream, fresh = temporary_file(path)
    except OSError as error:
        raise _explained(path, error) from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            # Renamed while it is held: a sweep never sees it left over.
            fresh.replace(path)
    except BaseException as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise _explained(path, error) from error
        raise


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill that takes its name only when it is complete.

    What was there before goes out of the way in the same moment.

    Raises
    ------
    VbenchError
        The disk is full or the folder cannot be written.
    """
    try:
        with TemporaryFolder(path) as fresh:
            yield fresh
            if path.exists():
                with TemporaryFolder(path) as old:
                    path.rename(old / path.name)
                    fresh.rename(path)
            else:
                fresh.rename(path)
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise _explained(path, error) from error
        raise


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file of :func:`whole_file` at once."""
    with whole_file(path) as stream:
        stream.write(content)


def _explained(path: Path, error: OSError) -> VbenchError:
    remedy = "choose a folder that can be written"
    if error.errno in _FULL:
        remedy = "make room and call again, what is finished is kept"
    elif path.is_relative_to(_paths.home()):
        remedy = "set VBENCH_HOME to a folder that can be written"
    return VbenchError(f"{path}: cannot be written: {error.strerror}; {remedy}")


def check_declared(where: str, declared: int, stored: int) -> None:
    """Refuse an array that is far larger than what is stored of it, unless that is trusted.

    `declared` are its bytes as its header states them, `stored` those that the file holds of it.
    """
    if declared <= max(_HARMLESS_BYTES, _LARGEST_RATIO * stored) or _invocation.is_trusted():
        return
    raise DataError(
        f"{where}: {stored:,} bytes in the file declare {declared:,} bytes of numbers, more than "
        f"{_LARGEST_RATIO} times as many: not unpacked; {_invocation.advise_trust()}"
    )


def check_free(folder: Path, wanted: int, what: str) -> None:
    """Refuse to begin what the file system of a folder, which need not exist, has no room for."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError:
        return
    if wanted > free:
        elsewhere = "choose another folder"
        if folder.is_relative_to(_paths.home()):
            elsewhere = "set VBENCH_HOME to a folder that has it"
        raise VbenchError(
            f"{what}: {write(wanted, 'bytes')} are to be written into {folder}, "
            f"{write(free, 'bytes')} are free there; make room, or {elsewhere}"
        )
