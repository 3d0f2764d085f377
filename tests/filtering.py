"""Indexes that take filters, well behaved or not: what runs and the conformance kit must see.

Named as `filtering:Name` where this folder is importable.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from misbehaving import Exact

from vbench.metric import Metric


class Scan(Exact):
    """Compares with all vectors that pass."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.rows = np.arange(len(base))

    def allow(self, condition: Any) -> None:
        whole = np.arange(len(self.base))
        self.rows = whole if condition is None else np.flatnonzero(condition.mask)

    def search(self, queries: Any, k: int) -> Any:
        whole = self.base
        self.base = whole[self.rows]
        found = self.nearest(queries, k)
        self.base = whole
        return np.where(found >= 0, np.append(self.rows, -1)[found], -1)


class Deaf(Scan):
    """Takes a filter and does not heed it."""

    def allow(self, condition: Any) -> None:
        pass


class After(Scan):
    """Filters what it has found, and searches no further."""

    def search(self, queries: Any, k: int) -> Any:
        found = self.nearest(queries, k)
        return np.where(np.isin(found, self.rows), found, -1)


class Stuck(Scan):
    """Does not let go of a filter."""

    def allow(self, condition: Any) -> None:
        if condition is not None:
            super().allow(condition)
