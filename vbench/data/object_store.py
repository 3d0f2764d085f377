"""Datasets at addresses: copied here block by block, kept by address and version, taken up again.

A copy lies in ``_paths.home()/remote/ADDRESS/VERSION``, both as digests. Until it is whole its name
ends in ``.partial``: what is there of its files was fetched, and only the rest is asked for when
the call is made again. From then on the store is only asked whether it has another version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from vbench import _invocation, _paths
from vbench._invocation import spell_option
from vbench._locks import hold_lock
from vbench.data.files import check_free
from vbench.data.importing.remote import Listing, explained, is_remote, list_files
from vbench.errors import DataError
from vbench.numbers import write

BLOCK = 16 << 20
"""Bytes that are asked for at a time, and that a kill can cost for each of those at work."""
_AT_ONCE = 4
_PARTIAL = ".partial"


class _Remote(NamedTuple):
    """The files of an address, and a digest of the version that they are of."""

    listing: Listing
    version: str


def local(value: Any) -> Any:
    """What an argument names, here: an address becomes the path of its copy, all else stays."""
    return local_copy(value) if is_remote(value) else value


def local_copy(address: str) -> Path:
    """The copy of a file, of a folder or of the files of a pattern, fetched where it must be.

    Raises
    ------
    MissingExtraError
        What reads addresses of this kind is not installed.
    DataError
        There is nothing, it may not be read, or the connection fails.
    VbenchError
        The disk has no room for it.
    """
    remote = _look(address)
    place = _place(address)
    whole = place / remote.version
    with hold_lock(whole, f"copying {address}"):
        if not _is_whole(whole, remote.listing):
            if whole.is_dir():
                # Something of it was removed.
                whole.rename(place / f"{remote.version}{_PARTIAL}")
            _fetch(remote.listing, place / f"{remote.version}{_PARTIAL}", address)
            for old in place.glob("*"):
                if old.is_dir() and old.name != f"{remote.version}{_PARTIAL}":
                    shutil.rmtree(old, ignore_errors=True)
            (place / f"{remote.version}{_PARTIAL}").rename(whole)
    return _inside(whole, remote.listing.is_file)


def kept_copy(address: str) -> Path:
    """The copy that is here already, without asking the store.

    Raises
    ------
    DataError
        There is none.
    """
    for whole in _place(address).glob("*"):
        if whole.is_dir() and whole.suffix != _PARTIAL:
            is_file = (whole / ".file").exists()
            if any(path.name != ".file" for path in whole.iterdir()):
                return _inside(whole, is_file)
    raise DataError(
        f"the vectors lie at {address}, and no copy of them here; "
        f"give {spell_option('dataset', address)}, which fetches them"
    )


def _place(address: str) -> Path:
    return _paths.home() / "remote" / hashlib.sha256(address.encode()).hexdigest()[:32]


def _inside(whole: Path, is_file: bool) -> Path:
    names = [path for path in whole.iterdir() if path.name != ".file"]
    return names[0] if is_file else whole


def _is_whole(folder: Path, found: Listing) -> bool:
    """Whether all files lie in the folder, as long as they are there."""
    for name, size in found.sizes.items():
        path = folder / PurePosixPath(name).relative_to(found.root)
        if not path.is_file() or path.stat().st_size != size:
            return False
    return True


def _look(address: str) -> _Remote:
    found = list_files(address)
    try:
        marks = [
            [name, size, str(found.files.checksum(name))] for name, size in found.sizes.items()
        ]
    except Exception as error:
        raise explained(address, error) from None
    return _Remote(found, hashlib.sha256(json.dumps(marks).encode()).hexdigest()[:32])


def _fetch(found: Listing, folder: Path, address: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if found.is_file:
        (folder / ".file").touch()
    there = found.places(folder, address)
    held = sum(path.stat().st_size for path in there.values() if path.is_file())
    left = max(0, sum(found.sizes.values()) - held)
    check_free(folder, left, address)
    if _invocation.say is not None:
        _invocation.say(f"copying {address}: {write(left, 'bytes')}")
    for name, size in found.sizes.items():
        _fetch_file(found.files, name, size, there[name], address)


def _fetch_file(files: Any, name: str, size: int, path: Path, address: str) -> None:
    """Append to a file what it lacks, in order, several blocks being asked for at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    # The last block that a killed process wrote may be there in part.
    done = min(path.stat().st_size // BLOCK * BLOCK, size)
    starts = range(done, size, BLOCK)

    def read(start: int) -> bytes:
        block: bytes = files.cat_file(name, start=start, end=min(start + BLOCK, size))
        return block

    with path.open("r+b") as target, ThreadPoolExecutor(_AT_ONCE) as pool:
        target.truncate(done)
        target.seek(done)
        for first in range(0, len(starts), _AT_ONCE):
            some = starts[first : first + _AT_ONCE]
            try:
                blocks = list(pool.map(read, some))
            except Exception as error:
                raise explained(address, error) from None
            for start, block in zip(some, blocks, strict=True):
                if len(block) != min(BLOCK, size - start):
                    raise DataError(f"{address}: {name} ended after {start + len(block)} bytes")
                target.write(block)
            target.flush()
