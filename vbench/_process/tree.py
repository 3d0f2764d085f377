"""Memory and CPU time of a process and of all that it started, as the system counts them."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

import psutil

from vbench._process.supervisor import descendants

_LIST_EVERY_SECONDS = 1.0
_SHARE_OF_TIME = 0.02
"""How much of the time may be spent on counting shared pages only once."""
_HAS_PROC = Path("/proc/self/stat").exists()
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_KILOBYTES = re.compile(rb"^(VmRSS|VmSwap|Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)


class Tree:
    """A process and all that it started and they in turn."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._members: list[int] = [root]
        self._list_at = 0.0
        self._share_at = 0.0

    def members(self, *, now: bool = False) -> list[int]:
        """Numbers of the processes, the root first; as of at most a second ago, or of `now`."""
        moment = time.monotonic()
        if now or moment >= self._list_at:
            self._members = [self._root, *_descendants(self._root)]
            spent = time.monotonic() - moment
            self._list_at = moment + max(_LIST_EVERY_SECONDS, spent / _SHARE_OF_TIME)
        return self._members

    def memory(self) -> int:
        """Bytes held, swap included, the root left out; pages that several share count in each."""
        return sum(map(_resident, self.members()[1:]))

    def memory_above(self, limit: int) -> int | None:
        """Bytes held if they are more than `limit`, else None.

        Pages that several processes share count once. To find out which are shared takes the
        system long and keeps the process from getting new ones, so the simple sum comes first.
        """
        moment = time.monotonic()
        if moment < self._share_at or self.memory() <= limit:
            return None
        used = self.memory_once()
        spent = time.monotonic() - moment
        self._share_at = moment + spent / _SHARE_OF_TIME
        return used if used > limit else None

    def memory_once(self, *, now: bool = True) -> int:
        """Bytes held, swap included, the root left out; shared pages count once."""
        members = self.members(now=now)[1:]
        return sum(_counted(pid, "smaps_rollup") or _resident(pid) for pid in members)

    def cpu_seconds(self, *, now: bool = True) -> float:
        """CPU time of all, those included that have ended and were waited for.

        With `now`, new members are looked for first, which costs some milliseconds.
        """
        return sum(map(_cpu_seconds, self.members(now=True) if now else self._members))

    def cpu_seconds_below(self) -> float:
        """CPU time of all that the root started and that still runs."""
        return sum(map(_cpu_seconds, self.members(now=True)[1:]))


def is_stopped(pid: int) -> bool:
    """Whether a signal such as SIGSTOP holds a process."""
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


def _descendants(root: int) -> list[int]:
    if _HAS_PROC:
        return descendants(root)
    with contextlib.suppress(psutil.Error):
        return [each.pid for each in psutil.Process(root).children(recursive=True)]
    return []


def _resident(pid: int) -> int:
    if _HAS_PROC:
        return _counted(pid, "status")  # 0 where it has ended
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _counted(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        return 1024 * sum(int(size) for _, size in _KILOBYTES.findall(_bytes_of(pid, name)))
    return 0


def _bytes_of(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def _cpu_seconds(pid: int) -> float:
    if _HAS_PROC:
        with contextlib.suppress(OSError):
            fields = _bytes_of(pid, "stat").rpartition(b")")[2].split()
            return sum(map(int, fields[11:15])) / _TICKS
        return 0.0
    with contextlib.suppress(psutil.Error):
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    return 0.0
