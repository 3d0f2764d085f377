"""Indexes whose calls are watched, or that play with time.

Named as `timed:Name` where this folder is importable.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from machine import Machine
from misbehaving import Exact


class Noting(Exact):
    """Keeps what it is asked one by one."""

    def fit(self, base: Any, metric: Any, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.asked: list[np.ndarray] = []

    def search_one(self, query: Any, k: int) -> Any:
        self.asked.append(query.copy())
        return self.nearest(query[np.newaxis], k)[0]


class Counting(Exact):
    """Each query is 7 of work and 1 µs of CPU; in the first passes it waits for 9 µs besides."""

    machine: Machine | None = None
    disturbed = 0
    calls = done = 0

    def work(self) -> int:
        done, self.done, self.calls = self.done, 0, 0
        return done

    def search_one(self, query: Any, k: int) -> Any:
        assert self.machine is not None
        self.machine.work(1000)
        self.machine.wait(9000 * (self.calls < 20 * self.disturbed))
        self.calls += 1
        self.done += 7
        return self.nearest(query[np.newaxis], k)[0]

    def search(self, queries: Any, k: int) -> Any:
        assert self.machine is not None
        self.machine.work(500_000_000)
        self.done += 999
        return self.nearest(queries, k)


class Remembering(Exact):
    """100 µs for each vector that is new, 1 µs for one that it knows, at whatever setting."""

    machine: Machine | None = None

    def set(self, ef: int = 1) -> None:
        self.known = getattr(self, "known", {})

    def search_one(self, query: Any, k: int) -> Any:
        assert self.machine is not None
        key = query.tobytes()
        self.machine.work(1_000 if key in self.known else 100_000)
        if key not in self.known:
            self.known[key] = self.nearest(query[np.newaxis], 100)[0]
        return self.known[key][:k]


class Remote(Exact):
    """Another process does the work."""

    local = False


class StopsClocks(Exact):
    """No clock of the module `time` goes on."""

    def __init__(self) -> None:
        for name in ("perf_counter", "process_time", "monotonic"):
            setattr(time, name, lambda: 0.0)
            setattr(time, f"{name}_ns", lambda: 0)


class RefillsRows(Exact):
    """Answers in the same lists each time."""

    rows: list[list[int]]

    def search(self, queries: Any, k: int) -> Any:
        found = self.nearest(queries, k).tolist()
        if not hasattr(self, "rows"):
            self.rows = []
        while len(self.rows) < len(found):
            self.rows.append([])
        del self.rows[len(found) :]
        for row, ids in zip(self.rows, found, strict=True):
            row[:] = ids
        return self.rows
