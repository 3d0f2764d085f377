"""Runs at addresses: the folder here that mirrors one, and how each follows the other.

It lies in ``_paths.home()/runs/ADDRESS/NAME``, the address as a digest. Beside it stands what
is known of each file: its size and time here, and the mark that the store has of it. What is equal
to that on both sides is not moved again.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from vbench import _paths
from vbench._leftovers import is_leftover
from vbench.data.files import write_whole
from vbench.data.importing.remote import is_remote
from vbench.data.store import Store, check_name
from vbench.errors import VbenchError
from vbench.runs import files

LEASE = "lease.json"
"""What says at the address who writes there."""
_KNOWN = "known.json"


class _Known(NamedTuple):
    """A file as it was when both sides had the same."""

    size: int
    changed_ns: int
    mark: str


class Mirror:
    """The folder here of a run at an address.

    Attributes
    ----------
    store
        The address.
    place, folder
        What is held while it is used, and the run folder in it.
    """

    def __init__(self, address: str) -> None:
        self.store = Store(address.rstrip("/"))
        digest = hashlib.sha256(self.store.address.encode()).hexdigest()[:32]
        self.place = _paths.home() / "runs" / digest
        self.folder = self.place / (self.store.address.rpartition("/")[2] or "run")
        self._moving = threading.Lock()

    def bring(self) -> bool:
        """Have all here that the address has of a run, its manifest last; whether it has one.

        Raises
        ------
        VbenchError
            Something else lies there.
        """
        there = {
            name: mark
            for name, mark in self.store.marks().items()
            if name != LEASE and not name.startswith(f"{files.PARTS}/")
        }
        if files.MANIFEST not in there:
            if there and not any(name.startswith(f"{files.TRIALS}/") for name in there):
                raise VbenchError(
                    f"{self.store.address} holds no run, but {min(there)}; give the address of "
                    "a run, or of nothing yet"
                )
            shutil.rmtree(self.folder, ignore_errors=True)
            (self.place / _KNOWN).unlink(missing_ok=True)
            return False
        known = self._known()
        for name in known.keys() - there.keys():
            # Somebody else removed it, or set it aside.
            (self.folder / name).unlink(missing_ok=True)
            del known[name]
        for name in sorted(there, key=lambda name: name == files.MANIFEST):
            check_name(name, self.store.address)
            path, had = self.folder / name, known.get(name)
            if had is None or had.mark != there[name] or _stat(path) != had[:2]:
                self.store.bring(name, path)
                known[name] = _Known(*_stat(path), there[name])
        self._keep(known)
        return True

    def put(self) -> None:
        """Put all there that is new or another here: what the manifest tells of, then that itself.

        What is gone here goes there. A file has its name here only when it is whole, so that this
        can be done beside whoever writes.
        """
        with self._moving:
            known = self._known()
            manifest = self.folder / files.MANIFEST
            last = (_stat(manifest), manifest.read_bytes()) if manifest.is_file() else None
            here = set(_names(self.folder))
            for name in sorted(here - {files.MANIFEST}):
                path = self.folder / name
                stat, had = _stat(path), known.get(name)
                if had is not None and had[:2] == stat:
                    continue
                try:
                    known[name] = _Known(*stat, self.store.put(path, name))
                except VbenchError:
                    if path.is_file():
                        raise
                    here.discard(name)  # renamed or removed meanwhile
            if last is not None:
                stat, content = last
                had = known.get(files.MANIFEST)
                if had is None or had[:2] != stat:
                    known[files.MANIFEST] = _Known(*stat, self.store.write(files.MANIFEST, content))
            gone = known.keys() - here
            self.store.remove(gone)
            self._keep({name: each for name, each in known.items() if name not in gone})

    def _known(self) -> dict[str, _Known]:
        try:
            return msgspec.json.decode((self.place / _KNOWN).read_bytes(), type=dict[str, _Known])
        except (OSError, msgspec.DecodeError):
            return {}

    def _keep(self, known: dict[str, _Known]) -> None:
        write_whole(self.place / _KNOWN, msgspec.json.encode(known))


def here(path: str | Path) -> Path:
    """A run folder: the path itself, or the mirror of an address, brought up to date.

    Raises
    ------
    VbenchError
        The address holds no run, or cannot be read.
    """
    if not is_remote(path):
        return Path(path)
    mirror = Mirror(str(path))
    mirror.place.mkdir(parents=True, exist_ok=True)
    try:
        with files.hold_folder(mirror.place):
            found = mirror.bring()
    except files.HeldError:
        found = True  # a run of this machine writes it
    if not found:
        raise VbenchError(
            f"{path} holds no run (no {files.MANIFEST}); give the address that `vbench run` wrote "
            "to"
        )
    return mirror.folder


def bring_some(store: Store, names: Collection[str], folder: Path) -> None:
    """Copy files of an address to a folder, under the same names."""
    for name in names:
        check_name(name, store.address)
        store.bring(name, folder / name)


def _names(folder: Path) -> list[str]:
    """The files of a run folder as an address names them, but for temporary ones and parts."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [
        name.as_posix()
        for name in found
        if name.parts[0] != files.PARTS and not any(is_leftover(Path(each)) for each in name.parts)
    ]


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return -1, -1
    return found.st_size, found.st_mtime_ns
