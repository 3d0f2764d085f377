"""Indexes that see whether others are built or searched at the same time.

Named as `meeting:Name` where this folder is importable. MEETING_PLACE names a folder: a file lies
there while something is built, and one for each that has begun.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from keeping import Keeps

from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric, distance

_PATIENCE_SECONDS = 60.0


def _place() -> Path:
    return Path(os.environ["MEETING_PLACE"])


class Meets(Keeps):
    """Is built only where another one begins meanwhile, and asked only where none is built."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.base, self.metric = base.copy(), metric
        (_place() / f"began-{os.getpid()}").touch()
        (_place() / f"now-{os.getpid()}").touch()
        end = time.monotonic() + _PATIENCE_SECONDS
        while len(list(_place().glob("began-*"))) < 2:
            if time.monotonic() > end:
                raise TimeoutError("nobody came")
            time.sleep(0.01)
        (_place() / f"now-{os.getpid()}").unlink()

    def search(self, queries: Vectors, k: int) -> Ids:
        assert not list(_place().glob("now-*"))
        away = distance(queries[:, None], self.base[None], self.metric)
        return away.argsort(axis=1, kind="stable")[:, :k]


class Fails(Meets):
    """Gives up when it has met the other."""

    def __init__(self, fails: bool = True) -> None:
        self.fails = fails

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        if self.fails:
            raise ValueError("not today")


class Wide(Keeps):
    """Is built with two threads on two cores, and searched with one on one."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        assert threads == len(os.sched_getaffinity(0)) == 2
        super().fit(base, metric, seed=seed, threads=threads)

    def use_threads(self, threads: int) -> None:
        assert threads == 1

    def load(self, path: Path, *, metric: Metric, threads: int) -> None:
        self.use_threads(threads)
        super().load(path, metric=metric)

    def search(self, queries: Vectors, k: int) -> Ids:
        assert len(os.sched_getaffinity(0)) == 1
        return super().search(queries, k)
