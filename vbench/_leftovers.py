"""Temporary files and folders that a dead process cannot leave behind for good.

Each is locked by the process that writes it for as long as that lives; the kernel lets go of the
lock however the process ends, on a remote machine or in another container too. One that nobody
holds is left over, and is removed by the next process that writes in the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing swept
    fcntl = None

PART = ".part"
LOCK = ".vbench-lock"
_OURS = re.compile(r"\..*\.\d+-[0-9a-f]{8}\.part|\..+\.vbench-lock|vbench-(\w+-)?\d+-[0-9a-f]{8}")
CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_LONGEST_NAME = 255
_BUSY = {errno.EWOULDBLOCK, errno.EACCES}

_swept: set[Path] = set()
_held: set[Path] = set()


def temporary_file(beside: Path) -> tuple[BinaryIO, Path]:
    """Open a new file in the folder of `beside`, under a name that only this process uses.

    The caller closes it, and renames or removes it.
    """
    sweep_once(beside.parent)
    while True:
        path = _name(beside)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | CLOEXEC, 0o666)
        # Between its creation and its lock, a sweep may have taken it for left over.
        hold(descriptor, wait=True)
        if is_still(path, descriptor):
            return os.fdopen(descriptor, "wb"), path
        os.close(descriptor)


class TemporaryFolder:
    """A folder for as long as it is wanted, and never longer than its process lives.

    Parameters
    ----------
    beside
        Where it is made: in the folder of this path, so that it can be renamed to it. Default:
        `$TMPDIR`.
    purpose
        A word for its name, for whoever lists `$TMPDIR`.
    """

    def __init__(self, beside: Path | None = None, *, purpose: str = "") -> None:
        import tempfile

        place = Path(tempfile.gettempdir()) if beside is None else beside.parent
        sweep_once(place)
        word = f"{purpose}-" if purpose else ""
        self._descriptor: int | None = None
        while self._descriptor is None:
            self.path = place / f"vbench-{word}{_mark()}" if beside is None else _name(beside)
            self.path.mkdir(mode=0o700 if beside is None else 0o777, parents=True)
            try:
                descriptor = os.open(self.path, os.O_RDONLY | CLOEXEC)
            except FileNotFoundError:
                continue  # a sweep came between creation and lock
            except OSError:
                break  # Windows opens no folders
            hold(descriptor, wait=True)
            if is_still(self.path, descriptor):
                self._descriptor = descriptor
                _held.add(self.path)
            else:
                os.close(descriptor)

    def close(self) -> None:
        """Remove it; where it was renamed, let it be."""
        _remove_tree(self.path)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self.path)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()


def held_folders() -> list[Path]:
    """The temporary folders of this process, which nobody wants once it is gone."""
    return sorted(_held)


def sweep(folder: Path) -> list[Path]:
    """Remove what dead processes left in a folder, not below it; what was removed.

    Whatever is held, of another user or not of a name of ours is let be, as is everything where
    the file system knows no locks.
    """
    if fcntl is None:
        return []
    try:
        found = [entry for entry in os.scandir(folder) if _OURS.fullmatch(entry.name)]
    except OSError:
        return []
    return [Path(entry.path) for entry in found if _removed(Path(entry.path))]


def is_leftover(path: Path) -> bool:
    """Whether a name is one that is given here, to what is being written or was left."""
    return _OURS.fullmatch(path.name) is not None


def sweep_once(folder: Path) -> None:
    """Sweep a folder, once in a process."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve would ask the disk)
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def hold(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file or folder; False if another process holds it.

    True also where the file system knows no locks: then everything works as without them.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in _BUSY
    return True


def hidden_path(beside: Path, end: str) -> Path:
    """Name a hidden file beside another, as long as names may be."""
    room = _LONGEST_NAME - len(end) - 1
    shortened = os.fsencode(beside.name)[:room].decode(errors="ignore")
    return beside.with_name(f".{shortened}{end}")


def is_still(path: Path, descriptor: int) -> bool:
    """Whether the path still names the file that is open."""
    with contextlib.suppress(OSError):
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    return False


def _mark() -> str:
    """The process, for whoever reads the name, and a number nobody else draws."""
    return f"{os.getpid()}-{os.urandom(4).hex()}"


def _name(beside: Path) -> Path:
    return hidden_path(beside, f".{_mark()}{PART}")


def _remove_tree(path: Path) -> None:
    # Imported here: `vbench --help` has no need of it.
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def _removed(path: Path) -> bool:
    """Remove one left-over, if nobody holds it and it is ours."""
    with contextlib.suppress(OSError):
        facts = path.lstat()
        is_folder = stat.S_ISDIR(facts.st_mode)
        if facts.st_uid != os.getuid() or not (is_folder or stat.S_ISREG(facts.st_mode)):
            return False
        # Over NFS, only what is open for writing can be locked.
        descriptor = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not is_still(path, descriptor):
                return False
            if is_folder:
                _remove_tree(path)
            else:
                path.unlink()
        finally:
            os.close(descriptor)
        return True
    return False
