"""Blocked scans of the base: how many vectors lie within a distance, and which are nearest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray, Metric, distance

_QUERY_ROWS = 256
_BASE_ROWS = 8_192
_CENTER_SAMPLE = 10_000
_UNIT_ROUNDOFF = 2.0**-24

Vectors = NDArray[np.float32]


class Space(NamedTuple):
    """Vectors made ready for one metric: centered for `l2`, of length 1 for `cosine`.

    Centering keeps float32 products from canceling where the data lie far from the origin.
    """

    metric: Metric
    center: FloatArray | None

    @classmethod
    def of(cls, base: NDArray[Any], metric: Metric) -> Space:
        """The space of a base, centered on a sample of it."""
        if metric != "l2":
            return cls(metric, None)
        rows = sample_rows(len(base), _CENTER_SAMPLE, seed=0)
        return cls(metric, base[rows].astype(np.float64).mean(axis=0))

    def exact(self, vectors: NDArray[Any]) -> FloatArray:
        """Vectors in float64."""
        wide = vectors.astype(np.float64)
        if self.center is not None:
            wide -= self.center
        if self.metric == "cosine":
            norms = np.linalg.norm(wide, axis=1, keepdims=True)
            np.divide(wide, norms, out=wide, where=norms > 0.0)
        return wide

    def vectors(self, vectors: NDArray[Any]) -> Vectors:
        """Vectors in float32, C-contiguous."""
        if self.metric == "ip":
            return np.ascontiguousarray(vectors, dtype=np.float32)
        return self.exact(vectors).astype(np.float32)

    def products(self, queries: Vectors, block: Vectors) -> Vectors:
        """Inner products (m, n); −inf with rows that have no direction under `cosine`."""
        scores = np.asarray(queries @ block.T)
        if self.metric == "cosine" and not (there := np.any(block, axis=1)).all():
            scores[:, ~there] = -np.inf
        return scores

    def square_distances(
        self, queries: FloatArray, base: FloatArray, largest_norm: float
    ) -> FloatArray:
        """Squared Euclidean distances (m, n), not negative; `ip` after the map to Euclidean."""
        lengths = np.square(queries).sum(axis=1)[:, np.newaxis]
        others = largest_norm**2 if self.metric == "ip" else np.square(base).sum(axis=1)
        return np.asarray(np.maximum(lengths + others - 2.0 * (queries @ base.T), 0.0))


def euclidean(
    distances: FloatArray, queries: NDArray[Any], metric: Metric, largest_norm: float = 0.0
) -> FloatArray:
    """Euclidean distances (m, depth) from those of `metric`.

    Parameters
    ----------
    distances : float64 (m, depth)
        As :func:`vbench.metric.distance` defines them.
    largest_norm
        For `ip`: the largest norm M of a base vector; then d² = ‖q‖² + M² − 2 q·x.
    """
    if metric == "l2":
        return distances
    if metric == "cosine":
        return np.asarray(np.sqrt(np.maximum(2.0 * distances, 0.0)))
    squares = np.square(queries.astype(np.float64)).sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.maximum(squares + largest_norm**2 + 2.0 * distances, 0.0)))


def sample_rows(n: int, size: int, seed: int) -> NDArray[np.int64]:
    """Ascending row numbers: all `n`, or `size` of them drawn by `seed` without replacement."""
    if n <= size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, size, replace=False))


def sample_of(base: NDArray[Any], size: int, seed: int, metric: Metric) -> NDArray[np.int64]:
    """Rows of a sample of the base, but for those without a direction under `cosine`."""
    rows = sample_rows(len(base), size, seed)
    return rows[np.any(base[rows], axis=1)] if metric == "cosine" else rows


def count_within(
    base: NDArray[Any],
    queries: NDArray[Any],
    limits: FloatArray,
    metric: Metric,
    largest_norm: float,
    threads: int,
) -> NDArray[np.int64]:
    """How many base vectors lie within `limits` of each query, int64 (m,).

    Products in float32 decide where their rounding cannot matter, float64 decides the rest.

    Parameters
    ----------
    base : (n, d), queries : (m, d)
    limits : float64 (m,)
        Euclidean distances, `ip` and `cosine` as :mod:`vbench.measures.hardness` maps them.
    largest_norm
        For `ip`: the largest norm of a base vector.
    """
    from threadpoolctl import threadpool_limits

    space = Space.of(base, metric)
    exact = space.exact(queries)
    probes = exact.astype(np.float32)
    counts = np.zeros(len(queries), dtype=np.int64)
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(base), _BASE_ROWS):
            rows = base[start : start + _BASE_ROWS]
            block = space.vectors(rows)
            offsets, lower, upper = _thresholds(space, exact, block, limits, largest_norm)

            def count(
                first: int,
                rows: NDArray[Any] = rows,
                block: Vectors = block,
                offsets: Vectors | None = offsets,
                lower: Vectors = lower,
                upper: Vectors = upper,
            ) -> None:
                part = slice(first, first + _QUERY_ROWS)
                scores = space.products(probes[part], block)
                if offsets is not None:
                    scores -= offsets
                within, unsure = _count(scores, lower[part], upper[part])
                counts[part] += within
                for row, columns in unsure:
                    query = first + row
                    d = euclidean(
                        distance(queries[query], rows[columns], metric)[np.newaxis],
                        queries[query : query + 1],
                        metric,
                        largest_norm,
                    )
                    counts[query] += int((d <= limits[query]).sum())

            list(pool.map(count, range(0, len(queries), _QUERY_ROWS)))
    return counts


def nearest(
    base: NDArray[Any], queries: NDArray[Any], k: int, metric: Metric, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The k nearest base vectors of each query by float32 products, k at most n.

    The k-th score in a first block of the base is a bound that few later ones pass, which leaves
    little to sort: several times as fast as keeping a heap for each query.

    Returns
    -------
    query numbers, base ids : int64 (m·k,)
        By query, farthest last.
    """
    from threadpoolctl import threadpool_limits

    space = Space.of(base, metric)
    probes = space.vectors(queries)
    parts = range(0, len(probes), _QUERY_ROWS)
    bounds: dict[int, Vectors] = {}
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Vectors]] = []
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(base), max(_BASE_ROWS, k)):
            block = space.vectors(base[start : start + max(_BASE_ROWS, k)])
            offsets = _half_squares(block) if metric == "l2" else None

            def take(
                first: int,
                start: int = start,
                block: Vectors = block,
                offsets: Vectors | None = offsets,
            ) -> tuple[NDArray[np.int64], NDArray[np.int64], Vectors]:
                scores = space.products(probes[first : first + _QUERY_ROWS], block)
                if offsets is not None:
                    scores -= offsets
                if first not in bounds:
                    bounds[first] = np.partition(scores, -k, axis=1)[:, -k, np.newaxis]
                where = np.flatnonzero(scores >= bounds[first])
                rows, columns = np.divmod(where, scores.shape[1])
                return rows + first, columns + start, scores.ravel()[where]

            found += pool.map(take, parts)
    rows, ids, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((ids, -scores, rows))
    rows = rows[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < k
    return rows[kept], ids[order][kept]


def _half_squares(block: Vectors) -> Vectors:
    """Half of ‖x‖² of each row."""
    return np.asarray(np.square(block, dtype=np.float64).sum(axis=1) / 2.0, dtype=np.float32)


def _thresholds(
    space: Space, queries: FloatArray, block: Vectors, limits: FloatArray, largest_norm: float
) -> tuple[Vectors | None, Vectors, Vectors]:
    """What to take from each product q·x, and the scores that are surely outside and inside.

    d² ≤ limit² is q·x − ‖x‖²/2 ≥ (‖q‖² − limit²)/2, where the map makes ‖x‖ = M for `ip`.
    A float32 product of d terms is wrong by at most about d·2⁻²⁴·‖q‖·‖x‖.
    """
    squares = np.square(queries).sum(axis=1)
    lengths = np.square(block, dtype=np.float64).sum(axis=1)
    longest = float(lengths.max())
    offsets = None
    score = (squares - np.square(limits)) / 2.0
    if space.metric == "l2":
        offsets = _half_squares(block)
    else:
        score += (largest_norm**2 if space.metric == "ip" else 1.0) / 2.0
    wrong = np.sqrt(squares * longest) + longest + np.abs(score)
    wrong *= (block.shape[1] + 8) * _UNIT_ROUNDOFF
    return offsets, (score - wrong).astype(np.float32), (score + wrong).astype(np.float32)


def _count(
    scores: Vectors, lower: Vectors, upper: Vectors
) -> tuple[NDArray[np.int64], list[tuple[int, NDArray[np.intp]]]]:
    """Columns surely inside of each row, and rows with the columns that are not sure."""
    inside = scores > upper[:, np.newaxis]
    possible = scores >= lower[:, np.newaxis]
    # Row by row, count_nonzero is several times as fast as over an axis.
    sure = np.array([np.count_nonzero(row) for row in inside], dtype=np.int64)
    most = np.array([np.count_nonzero(row) for row in possible], dtype=np.int64)
    unsure = np.flatnonzero(most > sure)
    return sure, [(int(row), np.flatnonzero(possible[row] & ~inside[row])) for row in unsure]
