"""Files of object stores and hubs, copied here: `s3://`, `gs://`, `hf://`, what fsspec reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from vbench.data.arrays import first_line
from vbench.data.files import check_free
from vbench.errors import DataError, MissingExtraError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_BLOCK = 8 << 20

Progress = Callable[[int, int], None]
"""Called with the bytes that are here, and those of all files."""


def is_remote(source: object) -> bool:
    """Whether this is an address, such as `s3://bucket/users.parquet`."""
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def bring(address: str, folder: Path, progress: Progress | None = None) -> Path:
    """Copy a file, a folder or the files of a pattern (`part-*.parquet`) into an empty folder.

    Returns
    -------
    The file, or the folder of the files, which keep their names below it.

    Raises
    ------
    MissingExtraError
        What reads addresses of this kind is not installed.
    DataError
        There is nothing, it may not be read, or the connection fails.
    VbenchError
        The disk has no room for it.
    """
    found = list_files(address)
    total = sum(found.sizes.values())
    check_free(folder, total, address)
    done = 0
    for name, there in found.places(folder, address).items():
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            with found.files.open(name, "rb") as source, there.open("wb") as target:
                while block := source.read(_BLOCK):
                    target.write(block)
                    done += len(block)
                    if progress:
                        progress(done, max(done, total))
        except Exception as error:
            raise explained(address, error) from None
    return folder / PurePosixPath(next(iter(found.sizes))).name if found.is_file else folder


class Listing(NamedTuple):
    """The files of an address in their file system, with their sizes; names begin with `root`."""

    files: Any
    root: str
    sizes: dict[str, int]
    is_file: bool

    def places(self, folder: Path, address: str) -> dict[str, Path]:
        """Where each file belongs below a folder; DataError where one leads out of it."""
        found = {name: folder / PurePosixPath(name).relative_to(self.root) for name in self.sizes}
        for name, path in found.items():
            if not path.resolve().is_relative_to(folder.resolve()):
                raise DataError(f"{address}: {name} leads out of its folder")
        return found


def list_files(address: str) -> Listing:
    """List what lies at an address now.

    Raises
    ------
    MissingExtraError, DataError
        As :func:`bring`.
    """
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(f"reading {address}", "remote") from None
    try:
        files, inside = fsspec.core.url_to_fs(address)
        files.invalidate_cache()
        names, root = _files_of(files, inside)
        sizes = {name: int(files.size(name) or 0) for name in names}
    except ImportError:
        raise MissingExtraError(f"reading {address}", "remote") from None
    except Exception as error:
        raise explained(address, error) from None
    if not names:
        raise DataError(f"{address}: no such file, and no folder of files")
    return Listing(files, root, sizes, [inside] == names)


def _files_of(files: Any, inside: str) -> tuple[list[str], str]:
    """Names of the files that are meant, and the folder that their names begin with."""
    if re.search(r"[*?\[]", inside):
        fixed = re.split(r"[*?\[]", inside)[0]
        return sorted(files.glob(inside)), fixed.rpartition("/")[0]
    if files.isfile(inside):
        return [inside], str(PurePosixPath(inside).parent)
    folder = inside.rstrip("/")
    return sorted(files.find(folder)), folder


def explained(address: str, error: Exception, doing: str = "read") -> DataError:
    """What a library said of an address, as an error that names it, and what was not done."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{address}: no such file, and no folder of files")
    if isinstance(error, PermissionError):
        return DataError(f"{address}: may not be {doing}: {first_line(error)}")
    return DataError(f"{address}: cannot be {doing}: {type(error).__name__}: {first_line(error)}")
