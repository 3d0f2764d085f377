"""An index that does nothing: what is measured on it is the harness's own cost."""

from __future__ import annotations

import numpy as np

from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric


class _Rows(dict[int, Ids]):
    def __init__(self, n: int) -> None:
        self.n = n

    def __missing__(self, k: int) -> Ids:
        self[k] = np.arange(k) % self.n
        return self[k]


class Null(Index):
    """Returns the same ids for every query, prepared beforehand."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self._rows = _Rows(len(base))

    def search(self, queries: Vectors, k: int) -> Ids:
        return np.tile(self._rows[k], (len(queries), 1))

    def search_one(self, query: Vectors, k: int) -> Ids:
        return self._rows[k]
