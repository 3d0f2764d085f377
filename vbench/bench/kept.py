"""Built indexes on disk, by build and machine: each is made once and loaded from then on.

One lies in ``_paths.home()/indexes/KEY``: what its ``save`` wrote, and ``kept.json``, which says
of what it is, what building it cost, and how long each file is, with a checksum. The folder takes
its name only when it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from vbench import _paths
from vbench._leftovers import TemporaryFolder
from vbench._locks import hold_lock, is_held
from vbench.bench import wire
from vbench.bench.journal import now
from vbench.bench.machine import machine
from vbench.data.files import whole_folder
from vbench.data.prune import FACTS_OF_INDEX, size_of
from vbench.errors import DamagedFileError, VbenchError
from vbench.indexes.parameters import is_taken
from vbench.indexes.protocol import can_keep
from vbench.indexes.registry import resolve
from vbench.numbers import write
from vbench.runs import files
from vbench.runs.digests import of_document, tag, untag
from vbench.runs.schema import Build

SCHEMA = "vbench.kept/1"
SHARE = 0.2
"""Of the disk that is free without them, what kept indexes may take."""


class KeptIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a kept index: the build, what building it cost, and its files."""

    schema: str = SCHEMA
    build: Build
    built: str = msgspec.field(default_factory=now)
    """When, as run folders write times."""
    opened: wire.Opened
    fitted: wire.Fitted
    fit_cores: float | None
    beside: int = 0
    files: list[wire.KeptFile]

    @property
    def digest(self) -> str:
        """Digest of the files: equal for the same index."""
        return of_document(self.files)


class Found(NamedTuple):
    """A kept index, and the folder that it lies in."""

    folder: Path
    facts: KeptIndex


class NotKeptError(Exception):
    """An index is not kept, for this reason."""


class KeptIndexes:
    """The indexes that this machine keeps.

    Parameters
    ----------
    fresh
        Find only what was kept through this object: all else is built again, and replaced.
    """

    def __init__(self, *, fresh: bool = False) -> None:
        self.folder = _paths.home() / "indexes"
        self._is_fresh = fresh
        self._own: set[str] = set()

    def find(self, build: Build) -> Found | None:
        """A build's index, if it is kept and can be read; what is damaged goes."""
        key = _key(build)
        folder = self.folder / key
        if self._is_fresh and key not in self._own:
            return None
        try:
            document = files.read_json(folder / FACTS_OF_INDEX)
            kept = None if document is None else msgspec.convert(untag(document), KeptIndex)
        except (DamagedFileError, msgspec.ValidationError, VbenchError):
            self.discard(build)
            return None
        if kept is None or kept.schema != SCHEMA or kept.build.key != build.key:
            return None
        return Found(folder, kept)

    @contextlib.contextmanager
    def hold(self, build: Build) -> Iterator[None]:
        """Keep other processes from removing a build's index."""
        with hold_lock(self.folder / _key(build), f"loading or keeping an index of {build.index}"):
            yield

    def note_use(self, build: Build) -> None:
        """Take the index for one that was used now."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / _key(build) / FACTS_OF_INDEX)

    def discard(self, build: Build) -> None:
        """Remove a build's index, if there is one."""
        _remove(self.folder / _key(build))

    @contextlib.contextmanager
    def make_room(self, build: Build, size: int | None) -> Iterator[Path]:
        """Give a folder to save a build's index in; it is complete after :func:`describe`.

        `size` are its bytes, as far as they are known; those that were used longest ago give way.

        Raises
        ------
        NotKeptError
            It is larger than all kept indexes may be together.
        VbenchError
            The disk cannot be written.
        """
        key = _key(build)
        with self.hold(build):
            self._evict(size or 0, key)
            with whole_folder(self.folder / key) as fresh:
                yield fresh
                # The size was not known, or another one.
                self._evict(size_of(fresh), key)
        self._own.add(key)

    def _evict(self, size: int, key: str) -> None:
        """Remove what was used longest ago until `size` bytes more fit; not what is held."""
        kept = sorted(
            (_last_used(folder), size_of(folder), folder)
            for folder in self.folder.glob("*")
            if folder.is_dir() and folder.name != key and not folder.name.startswith(".")
        )
        used = sum(each for _, each, _ in kept)
        place = self.folder if self.folder.is_dir() else _paths.home()
        place.mkdir(parents=True, exist_ok=True)
        budget = int(SHARE * (shutil.disk_usage(place).free + used))
        if size > budget:
            raise NotKeptError(
                f"it takes {write(size, 'bytes')}, and kept indexes may take "
                f"{write(budget, 'bytes')} together, {SHARE:.0%} of the free disk of {place}"
            )
        for _, each, folder in kept:
            if used + size <= budget:
                return
            if not is_held(folder):
                _remove(folder)
                used -= each


def can_be_kept(build: Build) -> bool:
    """Whether the class behind a build can save and load an index that its key knows all of."""
    kind = resolve(build.adapter)
    return can_keep(kind) and not is_taken(kind.fit, "attributes")


def describe(folder: Path, kept: KeptIndex) -> None:
    """Write what is known of an index into its folder: the last thing that is written there."""
    files.write_json(folder / FACTS_OF_INDEX, tag(msgspec.to_builtins(kept)))


def _key(build: Build) -> str:
    """Of the build, and of what else than it a file or its cost depends on."""
    here = machine()
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:12]
    return of_document([build.key, here.processor, here.architecture, here.python, host])


def _last_used(folder: Path) -> float:
    try:
        return (folder / FACTS_OF_INDEX).stat().st_mtime
    except OSError:
        return 0.0


def _remove(folder: Path) -> None:
    """Remove a folder that is never half there under its name."""
    with contextlib.suppress(OSError), TemporaryFolder(folder) as away:
        folder.rename(away / folder.name)
