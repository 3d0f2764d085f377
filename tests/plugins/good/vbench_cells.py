"""One plug-in of each kind: an index in a few lines of numpy, a dataset, a measure, a ranker."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta

import vbench
from vbench.measures.base import OfHits


class Cells(vbench.Index):
    """Cells around random base vectors; the nearest few are searched exactly."""

    metrics: ClassVar = frozenset({"l2", "ip"})
    sweep: ClassVar = {"probe": [1, 4, 16]}
    tune_parameter = "probe"

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


def corners() -> vbench.Dataset:
    """Points around the corners of a cube."""
    print("made by the plug-in")  # has no place in a JSON document
    rng = np.random.default_rng(1)
    corner = rng.integers(0, 2, size=(430, 6))
    points = (corner + rng.normal(scale=0.1, size=corner.shape)).astype(np.float32)
    relevance = pl.DataFrame({"query": np.arange(30), "item": np.arange(30)})
    return vbench.Dataset("corners", points[:400], points[400:], "l2", relevance=relevance)


@dataclass(frozen=True, kw_only=True)
class Half(OfHits):
    """Share of queries with at least half of their neighbors."""

    kind = "share"

    def per_query(self, answers):
        return np.asarray(2 * self.hits(answers) >= self.needed, dtype=float)


class Late:
    """Prefers items that came later."""

    def score(self, queries, candidates):
        return candidates.astype(float)
