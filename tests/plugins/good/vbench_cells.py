"""An index in a few lines of numpy: vectors in cells around some of them, a few cells searched."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

import vbench


class Cells(vbench.Index):
    """Cells around random base vectors; the nearest few are searched exactly."""

    metrics: ClassVar = frozenset({"l2", "ip"})
    sweep: ClassVar = {"probe": [1, 4, 16]}
    knob = "probe"

    def __init__(self, cells: Annotated[int, Meta(ge=1, le=100_000)] = 32) -> None:
        self.cells = cells
        self.probe = 4

    def fit(self, base, metric, *, seed, threads):
        self.base, self.metric = base, metric
        rng = np.random.default_rng(seed)
        self.pivots = base[rng.permutation(len(base))[: self.cells]]
        nearest = np.argmin(self._far(base, self.pivots), axis=1) if len(base) else []
        self.members = [np.flatnonzero(nearest == cell) for cell in range(len(self.pivots))]

    def set(self, probe: Annotated[int, Meta(ge=1, le=100_000)] = 4) -> None:
        self.probe = probe

    def search(self, queries, k):
        ids = np.full((len(queries), k), -1)
        for row, query in enumerate(queries):
            order = np.argsort(self._far(query[np.newaxis], self.pivots)[0])[: self.probe]
            found = np.concatenate([np.empty(0, int), *(self.members[cell] for cell in order)])
            best = np.argsort(self._far(query[np.newaxis], self.base[found])[0])[:k]
            ids[row, : len(best)] = found[best]
        return ids

    def _far(self, queries, vectors):
        products = (queries[:, np.newaxis, :] * vectors[np.newaxis]).sum(axis=2)
        return -products if self.metric == "ip" else (vectors**2).sum(axis=1) - 2 * products
