"""How many cores a piece of work keeps busy: threads and processes that it starts included."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

SUPERVISED = "VBENCH_CHILD"
"""A variable of the environment in which a supervisor is the parent."""

_LOOK_EVERY = 0.02
_FEWEST_LOOKS = 5
_TOO_SHORT = 0.05


def busy_cores(work: Callable[[], Any], least_seconds: float = 0.0) -> float:
    """Cores kept busy by `work`, repeated for a while; 0 where it is over too soon to tell.

    The larger of two figures: CPU time by wall time, and the mean number of threads that run or
    wait for a core. On a machine that has other work too, the former is too low.
    """
    with _Watcher() as watcher:
        cpu, wall = _cpu_seconds(), time.perf_counter()
        spent = 0.0
        while not spent or spent < least_seconds:
            work()
            spent = time.perf_counter() - wall
        used = _cpu_seconds() - cpu - watcher.cpu_seconds
    return 0.0 if spent < _TOO_SHORT else max(used / spent, watcher.running)


def started_processes() -> list[psutil.Process]:
    """All processes that this one has started and they in turn, daemons included."""
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(_root()).children(recursive=True)
        return [each for each in family if each.pid != os.getpid()]
    return []


def _root() -> int:
    """Whose descendants count: what has lost its parent becomes a child of the supervisor."""
    return os.getppid() if SUPERVISED in os.environ else os.getpid()


def _cpu_seconds() -> float:
    """CPU time of this process and of all that it started, those included that have ended."""
    times = os.times()
    total = time.process_time() + times.children_user + times.children_system
    for process in started_processes():
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    if (root := _root()) != os.getpid():
        with contextlib.suppress(psutil.Error):
            total += sum(psutil.Process(root).cpu_times()[2:4])
    return total


class _Watcher(threading.Thread):
    """Counts the threads that run or could, beside its own, from time to time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.cpu_seconds = 0.0
        self._over = threading.Event()
        self._counts: list[int] = []

    @property
    def running(self) -> float:
        """How many on average; 0 where it was looked at too seldom to tell."""
        counts = list(self._counts)
        return sum(counts) / len(counts) if len(counts) >= _FEWEST_LOOKS else 0.0

    def run(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self._counts.append(
                sum(_runs(task) for task in _tasks(_root()) if task.name != str(self.native_id))
            )
            self.cpu_seconds = time.thread_time()

    def __enter__(self) -> _Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def _tasks(pid: int) -> Iterator[Path]:
    """What Linux shows of the threads of a process and of all processes below it."""
    # Processes come and go while they are looked at; elsewhere than on Linux there is none.
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield task
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield from _tasks(int(child))


def _runs(task: Path) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return (task / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    return False
