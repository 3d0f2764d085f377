"""One process at a time writes a file or folder; the others wait, and say for whom."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from vbench import _invocation
from vbench._leftovers import CLOEXEC, LOCK, hidden_path, hold, is_still, sweep_once
from vbench._plain import plain
from vbench.errors import warn

_PATIENCE_SECONDS = 2.0
"""How long another process may take before somebody is told that it is waited for."""
_POLL_SECONDS = 0.05


def tell(text: str) -> None:
    """Say at once that another process is waited for: the command line prints it."""
    if _invocation.say is not None:
        _invocation.say(text)
    else:
        warn(text)


@contextlib.contextmanager
def hold_lock(target: Path, doing: str) -> Iterator[None]:
    """Hold the lock beside `target` while it is written; `doing` is told to those who wait.

    Whoever waited looks again whether the other process has made it already. A lock ends with its
    process, however that ends. Where the file system knows no locks, or nothing can be written,
    there is none: files are renamed into place and so whole all the same.
    """
    sweep_once(target.parent)
    path = hidden_path(target, LOCK)
    descriptor = _taken(path, doing)
    try:
        yield
    finally:
        if descriptor is not None:
            # While it is held: whoever waits for it finds it gone, and makes a new one.
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(descriptor)


def _taken(path: Path, doing: str) -> int | None:
    began, told = time.monotonic(), False
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = _opened(path)
        except OSError:
            return None
        if not hold(descriptor):
            if not told and time.monotonic() - began > _PATIENCE_SECONDS:
                told = True
                tell(f"waiting for {_holder(path)}")
            time.sleep(_POLL_SECONDS)
        elif is_still(path, descriptor):
            said = f"{os.getpid()}\n{_host()}\n{plain(doing)}\n"
            with contextlib.suppress(OSError):  # of another user, who may write there
                os.ftruncate(descriptor, 0)
                os.write(descriptor, said.encode())
            return descriptor
        os.close(descriptor)


def _opened(path: Path, *, create: bool = True) -> int:
    """Open a lock, or that of another user, which may only be read."""
    try:
        return os.open(path, os.O_RDWR | (os.O_CREAT if create else 0) | CLOEXEC, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | CLOEXEC)


def _holder(path: Path) -> str:
    """Who holds a lock, as the file says."""
    with contextlib.suppress(OSError, ValueError):
        process, host, doing = path.read_text(errors="replace").splitlines()[:3]
        where = "" if host == _host() else f" on {host}"
        return f"process {int(process)}{where}, which is {doing}"
    return f"another process, which holds {path}"


def is_held(target: Path) -> bool:
    """Whether a process holds the lock beside `target` now."""
    try:
        descriptor = _opened(hidden_path(target, LOCK), create=False)
    except OSError:
        return False
    try:
        return not hold(descriptor)
    finally:
        os.close(descriptor)


def _host() -> str:
    import platform

    return platform.node()
