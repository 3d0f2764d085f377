"""Indexes that lie on a disk: what cold searches must see.

Named as `on_disk:Name` where this folder is importable.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric, distance


class Mapped(Index):
    """Compares with all vectors of a file that it has mapped."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.metric = metric
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "vectors.npy"
        np.save(self.path, base)
        self.base: Any = np.load(self.path, mmap_mode="r")

    def search_one(self, query: Vectors, k: int) -> Ids:
        return np.argsort(distance(query[None], np.asarray(self.base), self.metric), kind="stable")[
            :k
        ]

    def files(self) -> Sequence[Path]:
        return [self.path]

    def close(self) -> None:
        del self.base
        self.folder.cleanup()


class Read(Mapped):
    """Reads the file for each query."""

    def search_one(self, query: Vectors, k: int) -> Ids:
        with self.path.open("rb") as file:
            self.base = np.load(file)
        return super().search_one(query, k)


class Lost(Mapped):
    """Names a file that is not there."""

    def files(self) -> Sequence[Path]:
        return [self.path.with_name("other.npy")]


class Nowhere(Mapped):
    """Names none."""

    def files(self) -> Sequence[Path]:
        return []
