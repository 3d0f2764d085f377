"""An inverted file whose cells are smallest where queries need vectors."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import faiss
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from vbench.indexes.faiss_ivf import IvfFlat, Lists
from vbench.indexes.protocol import Vectors
from vbench.metric import Metric

_ITERATIONS = 10
"""As faiss trains the cells of an inverted file."""


class LearnedIvf(IvfFlat):
    """Inverted file, cells smallest where the queries that it learns from need vectors (faiss).

    Of each base vector it is counted for how many queries it is among the `depth` nearest; k-means
    weighs it by (count + 1)^`power`. Cells that are searched often so hold few vectors, and what
    nobody needs lies in large ones that are searched seldom. With ``power=0``, or without queries
    to learn from, it is the inverted file that faiss trains.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})

    def __init__(
        self,
        nlist: Lists | None = None,
        power: Annotated[float, Meta(ge=0, le=1)] = 0.5,
        depth: Annotated[int, Meta(ge=1, le=10_000)] = 100,
    ) -> None:
        super().__init__(nlist)
        self.power = power
        self.depth = depth
        self._weights: NDArray[np.float32] | None = None

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        learn: Vectors | None = None,
    ) -> None:
        faiss.omp_set_num_threads(threads)
        self._fitting = base, seed
        self._weights = None
        if learn is not None and self.power and len(base):
            needed = count_needed(base, learn, self.depth)
            self._weights = (needed + np.float32(1)) ** np.float32(self.power)
        super().fit(base, metric, seed=seed, threads=threads)
        del self._fitting

    def make(self, n: int, d: int, metric_type: int) -> Any:
        index = super().make(n, d, metric_type)
        if self._weights is not None:
            base, seed = self._fitting
            # faiss trains no cells where there are some.
            quantizer = faiss.downcast_index(index.quantizer)
            quantizer.add(weighted_centers(base, self._weights, index.nlist, seed))
        return index


def count_needed(base: Vectors, queries: Vectors, depth: int) -> NDArray[np.float32]:
    """For how many queries each base vector is among the `depth` nearest: float32 (n,)."""
    _, ids = faiss.knn(queries, base, min(depth, len(base)))
    return np.bincount(ids.ravel(), minlength=len(base)).astype(np.float32)


def weighted_centers(
    base: Vectors, weights: NDArray[np.float32], count: int, seed: int
) -> NDArray[np.float32]:
    """Centers of weighted k-means, begun at vectors drawn by weight: float32 (count, d)."""
    share = weights.astype(np.float64) / weights.sum(dtype=np.float64)
    first = np.random.default_rng(seed).choice(len(base), count, replace=False, p=share)
    means = faiss.Kmeans(
        base.shape[1],
        count,
        niter=_ITERATIONS,
        seed=seed & 0x7FFFFFFF,
        min_points_per_centroid=1,
    )
    means.train(base, weights=weights, init_centroids=base[first])
    centers: NDArray[np.float32] = means.centroids
    return centers
