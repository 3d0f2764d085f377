"""Cores of this machine that one process measures on and no other, as far as there are enough.

A core is held by a name in the system's own list of sockets, which ends with its process however
that ends; there is no file to be left over. Where processes cannot be pinned, nothing is held.
Processes in containers with networks of their own do not see each other, nor do those that the
environment variable VBENCH_CORES divides into groups.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple

_MOST_HOLDERS = 64


class Sharer(NamedTuple):
    """A core that another process holds too; `pid` is 0 where it cannot be known."""

    core: int
    pid: int

    def __str__(self) -> str:
        by = f" (process {self.pid})" if self.pid else ""
        return f"core {self.core} is shared with another vbench run{by}"


class Cores:
    """Cores held for as long as they are wanted.

    Parameters
    ----------
    count
        How many. The last ones that this process may use and nobody holds, rather those of which
        nobody holds another thread of the same core; where too few are free, those with the
        fewest holders.

    Attributes
    ----------
    numbers : the cores, ascending
    shared : those of them that another process holds too, and which one
    """

    def __init__(self, count: int) -> None:
        self._held: list[socket.socket] = []
        self.numbers: list[int] = []
        self.shared: list[Sharer] = []
        usable = usable_cores()
        wanted = min(count, len(usable))
        if sys.platform != "linux" or not hasattr(os, "sched_setaffinity"):
            self.numbers = usable[-wanted:]
            return
        for place in range(_MOST_HOLDERS):
            left = [core for core in usable if core not in self.numbers]
            for core in sorted(left, key=lambda core: (_is_half_held(core), -core)):
                if len(self.numbers) < wanted:
                    self._take(core, place)
            if len(self.numbers) == wanted:
                break
        self.numbers = sorted(self.numbers or usable[-wanted:])

    def _take(self, core: int, place: int) -> None:
        others = (_holder(core, each) for each in range(_MOST_HOLDERS) if each != place)
        holder = _bound(core, place)
        if holder is None:
            return
        self._held.append(holder)
        self.numbers.append(core)
        self.shared += [Sharer(core, pid) for pid in others if pid is not None][:1]

    def close(self) -> None:
        """Let go of them."""
        for each in self._held:
            each.close()
        self._held.clear()

    def __enter__(self) -> Cores:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _name(core: int, place: int) -> bytes:
    group = os.environ.get("VBENCH_CORES", "")
    return f"\0vbench-core-{core}-{place}-{group:.40}".encode(errors="replace")


def _bound(core: int, place: int) -> socket.socket | None:
    """A socket that holds a core; None where another one does."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind(_name(core, place))
        holder.listen()
    except OSError:
        holder.close()
        return None
    return holder


def _holder(core: int, place: int) -> int | None:
    """The process that holds a core; 0 where it cannot be known, None where nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(_name(core, place))
        except BlockingIOError:
            return 0  # so many have asked already that no more can
        except OSError:
            return None
        credentials = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[0])


def _is_half_held(core: int) -> bool:
    """Whether somebody holds another hardware thread of the same core."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    siblings: set[int] = set()
    with contextlib.suppress(OSError, ValueError):
        for part in path.read_text().strip().split(","):
            first, _, last = part.partition("-")
            siblings |= set(range(int(first), int(last or first) + 1))
    return any(_holder(each, 0) is not None for each in siblings - {core})
