"""The checksums of fetched files, as they were when they first came."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vbench.data.files import write_whole
from vbench.errors import DataError

RECORD = "checksums.json"


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that came: from where, and what it was."""

    sha256: str
    url: str = ""
    bytes: int | None = None


def read_record(folder: Path) -> dict[str, Recorded]:
    """What is on record for the files of a folder, by name.

    Raises
    ------
    DataError
        The record is damaged.
    """
    path = folder / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Recorded])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: damaged ({error}); delete it, and what is fetched next goes on record anew"
        ) from None


def record(folder: Path, name: str, facts: Recorded) -> None:
    """Put a file on record; the caller holds the lock of the dataset."""
    known = {**read_record(folder), name: facts}
    write_whole(folder / RECORD, msgspec.json.format(msgspec.json.encode(known), indent=2))
