"""Indexes whose base changes, well behaved or not: what runs and the conformance kit must see.

Named as `changing:Name` where this folder is importable.
"""

from __future__ import annotations

import numpy as np

from vbench.indexes.protocol import Filter, Ids, Index, Vectors
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


class ScanUnder(Scan):
    """Compares with all vectors that are there and pass."""

    def allow(self, condition: Filter | None) -> None:
        if condition is not None:
            assert not condition.mask[[*set(range(len(condition.mask))) - self.held.keys()]].any()
        self.condition = condition

    def search(self, queries: Vectors, k: int) -> Ids:
        found = super().search(queries, len(self.held))
        condition = getattr(self, "condition", None)
        if condition is not None:
            order = np.argsort(~condition.mask[found], axis=1, kind="stable")
            found = np.take_along_axis(found, order, axis=1)
            found = np.where(condition.mask[found], found, -1)
        return found[:, :k]


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
