"""How many base vectors lie within a distance of each query: float32 counts, float64 decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray, Metric
from vbench.neighbors.euclidean import euclidean
from vbench.neighbors.space import (
    CHUNK_QUERIES,
    FLOAT32,
    FLOAT64,
    TILE_ROWS,
    ScoreSpace,
    Vectors,
    scan,
)

_WIDER = 2
"""Counting goes by rows of a tile, so that they are longer than they are for products alone."""


def count_within(
    queries: Vectors,
    base: Vectors,
    metric: Metric,
    limits: FloatArray,
    largest_norm: float = 0.0,
    *,
    threads: int = 1,
) -> NDArray[np.int64]:
    """Count the base vectors within `limits` of each query, exactly, int64 (m,).

    Float32 products count where the bound on their error leaves no doubt, what remains is decided
    by its float64 distance.

    Parameters
    ----------
    queries, base : (m, d) and (n, d)
    limits : float64 (m,)
        Euclidean distances, as :func:`vbench.neighbors.euclidean.euclidean` makes them.
    largest_norm
        For `ip`: the largest norm of a base vector.

    Raises
    ------
    DataError
        NaN, Inf or (under `cosine`) zero queries.
    """
    from threadpoolctl import threadpool_limits

    space = ScoreSpace(queries, base, metric)
    m = len(queries)
    step = min(CHUNK_QUERIES // _WIDER, -(-m // threads))
    parts = [
        _Count(space, slice(at, min(at + step, m)), limits, largest_norm)
        for at in range(0, m, step)
    ]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        rows = _WIDER * TILE_ROWS
        scan(space, range(len(base)), parts, _Count.add, pool, tile_rows=rows)
    return np.concatenate([part.counts for part in parts])


class _Count:
    """Counts of a chunk of queries, between scores that are surely outside and surely inside.

    d² ≤ limit² is score ≥ h − limit²/2, the h of each query being `ScoreSpace.half_squares`.
    """

    def __init__(
        self, space: ScoreSpace, part: slice, limits: FloatArray, largest_norm: float
    ) -> None:
        self.space, self.part, self.limits, self.largest_norm = space, part, limits, largest_norm
        half, square = space.half_squares(largest_norm)[part], np.square(limits[part]) / 2
        slack = 4 * (space.d + 16) * FLOAT64 * (half + square)
        self.low, self.high = half - square - slack, half - square + slack
        self.counts = np.zeros(len(half), np.int64)

    def add(self, first: int, rows: Vectors, norms: NDArray[Any]) -> None:
        """Count among the prepared float32 `rows`, whose ids begin at `first`."""
        with np.errstate(all="ignore"):
            error = self.space.error(self.part, float(norms.max()), FLOAT32)
            if not self.space.is_safe(error):
                error = np.full(len(error), np.inf)
            lower = np.nextafter((self.low - error).astype(np.float32), np.float32(-np.inf))
            upper = np.nextafter((self.high + error).astype(np.float32), np.float32(np.inf))
            scores = self.space.products(self.part, rows)
            self.space.place_zero(scores, norms)
            inside = scores > upper[:, np.newaxis]
            # NaN is neither: it is decided below.
            outside = scores < lower[:, np.newaxis]
        # Row by row, count_nonzero is several times as fast as over an axis.
        sure = np.array([np.count_nonzero(row) for row in inside])
        away = np.array([np.count_nonzero(row) for row in outside])
        self.counts += sure
        unsure = np.flatnonzero(sure + away < len(rows))
        places, columns = np.nonzero(~(inside[unsure] | outside[unsure]))
        places = unsure[places]
        numbers = places + self.part.start
        found = self.space.distances(numbers, first + columns)[:, np.newaxis]
        queries = self.space.queries[numbers]
        d = euclidean(found, queries, self.space.metric, self.largest_norm)[:, 0]
        near = d <= self.limits[numbers]
        self.counts += np.bincount(places[near], minlength=len(self.counts))
