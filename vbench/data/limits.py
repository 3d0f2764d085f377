"""Whether what a file declares is likely, and fits, before any of it is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from vbench import _paths, _trust
from vbench.errors import DataError, VbenchError

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
            f"{what}: {size(wanted)} are to be written into {folder}, {size(free)} are free there; "
            f"make room, or {elsewhere}"
        )


def size(count: int) -> str:
    """Bytes as a person reads them: 1.5 GB."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.3g} {units[0]}" if amount < 1000 else f"{amount:,.0f} {units[0]}"
