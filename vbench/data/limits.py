"""Whether what a file declares is likely, and fits, before any of it is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from vbench import _paths, _trust
from vbench.errors import DataError, VbenchError
from vbench.numbers import write

_LARGEST_RATIO = 100
"""Vectors that people publish are compressed to a tenth at best, pictures of digits too."""
_HARMLESS_BYTES = 8 << 20


def check_declared(where: str, declared: int, stored: int) -> None:
    """Refuse an array that is far larger than what is stored of it, unless that is trusted.

    Parameters
    ----------
    declared
        Bytes of the array as its header states them.
    stored
        Bytes that the file holds of it.

    Raises
    ------
    DataError
        With both sizes.
    """
    if declared <= max(_HARMLESS_BYTES, _LARGEST_RATIO * stored) or _trust.is_trusted():
        return
    raise DataError(
        f"{where}: {stored:,} bytes in the file declare {declared:,} bytes of numbers, more than "
        f"{_LARGEST_RATIO} times as many: not unpacked; {_trust.REMEDY}"
    )


def check_free(folder: Path, wanted: int, what: str) -> None:
    """Refuse to begin what the file system of a folder, which need not exist, has no room for.

    Raises
    ------
    VbenchError
        With both sizes.
    """
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
