"""Indexes that can be saved and loaded, or say that they can: what is kept between runs.

Named as `keeping:Name` where this folder is importable. Each fit adds a line to the file that
KEEPING_FITS names.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np

from vbench.indexes.protocol import Filter, Ids, Index, Vectors
from vbench.metric import Metric, distance


class Keeps(Index):
    """Compares with all; is saved whole."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        with Path(os.environ["KEEPING_FITS"]).open("a") as file:
            file.write(f"{seed}\n")
        self.base, self.metric, self.hidden = base.copy(), metric, None

    def allow(self, condition: Filter | None) -> None:
        self.hidden = None if condition is None else ~condition.mask

    def set(self, ef: int = 10) -> None:
        self.ef = ef

    def search(self, queries: Vectors, k: int) -> Ids:
        away = distance(queries[:, None], self.base[None], self.metric)
        if self.hidden is not None:
            away[:, self.hidden] = np.inf
        return away.argsort(axis=1, kind="stable")[:, :k]

    def size_bytes(self) -> int:
        return self.base.nbytes

    def save(self, path: Path) -> None:
        path.mkdir()
        np.save(path / "base.npy", self.base)

    def load(self, path: Path, *, metric: Metric) -> None:
        self.base, self.metric, self.hidden = np.load(path / "base.npy"), metric, None


class RaisesInSave(Keeps):
    """Has a disk that is full."""

    def save(self, path: Path) -> None:
        raise OSError(28, "No space left on device")


class DiesInSave(Keeps):
    """Takes its process with it."""

    def save(self, path: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class RaisesInLoad(Keeps):
    """Cannot read what it wrote."""

    def load(self, path: Path, *, metric: Metric) -> None:
        raise ValueError("of another version")
