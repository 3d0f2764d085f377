"""Indexes whose base changes, well behaved or not: what runs and the conformance kit must see.

Named as `changing:Name` where this folder is importable.
"""

from __future__ import annotations

import numpy as np

from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric, distance


class Scan(Index):
    """Compares with all vectors that are there."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.metric = metric
        self.held = dict(enumerate(base))

    def add(self, ids: Ids, vectors: Vectors) -> None:
        assert not self.held.keys() & set(ids.tolist())
        self.held |= dict(zip(ids.tolist(), vectors, strict=True))

    def remove(self, ids: Ids) -> None:
        for label in ids.tolist():
            del self.held[label]

    def settle(self) -> None:
        self.settled = True

    def search(self, queries: Vectors, k: int) -> Ids:
        labels = np.array(list(self.held))
        away = distance(queries[:, None], np.stack(list(self.held.values()))[None], self.metric)
        return labels[np.argsort(away, axis=1, kind="stable")[:, :k]]


class Stale(Scan):
    """Answers with what was removed."""

    def remove(self, ids: Ids) -> None:
        pass


class Broken(Scan):
    """Cannot add."""

    def add(self, ids: Ids, vectors: Vectors) -> None:
        raise MemoryError("no room")


class Closed(Scan):
    """Forgets what was there when something is added, and gives it the wrong ids."""

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.held = dict(zip(ids[::-1].tolist(), vectors, strict=True))
