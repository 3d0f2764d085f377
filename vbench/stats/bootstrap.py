"""Bootstrap of the histogram of hits: one set of resamples serves every measure of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.crossed import cluster_codes
from vbench.stats.intervals import Interval, check_level, percentile_rank, tail_size

RESAMPLES = 10_000
# Each occupied bin costs one binomial draw a resample, about 0.1 µs. With all 101 bins of K=100
# a tenth of the resamples moves the ends of an interval by less than a fiftieth of its width.
_DRAWS = 200_000
_FEWEST_RESAMPLES = 2_000
_BLOCK_DRAWS = 2_000_000


@dataclass(frozen=True)
class Resamples:
    """Resampled histograms of hits; each method gives the interval of one measure.

    Attributes
    ----------
    k : int
        Hits of a perfect query.
    hits : int64 (J,)
        The numbers of hits that occur, ascending.
    counts : float64 (J, R)
        How many queries of each of R resamples have that many hits.
    """

    k: int
    hits: NDArray[np.int64]
    counts: FloatArray

    def mean(self, level: float = 0.95) -> Interval:
        """Interval of mean recall."""
        return _ends(self.hits @ self.counts / (self.k * self._queries), level)

    def cvar(self, alpha: float, level: float = 0.95) -> Interval:
        """Interval of the mean recall of the worst ⌈αm⌉ queries."""
        sizes = self._of_size(lambda m: tail_size(m, alpha))
        # The sum of the lowest hits, as the area to the left of their cumulative counts.
        above = np.maximum(sizes - self._cumulative[:-1], 0.0)
        total = self.hits[0] * sizes + np.diff(self.hits) @ above
        return _ends(total / (self.k * sizes), level)

    def percentile(self, p: float, level: float = 0.95) -> Interval:
        """Interval of the lower p-th percentile of recall."""
        ranks = self._of_size(lambda m: percentile_rank(m, p))
        bins = (self._cumulative <= ranks).sum(axis=0)
        return _ends(self.hits[bins] / self.k, level)

    @functools.cached_property
    def _cumulative(self) -> FloatArray:
        return np.cumsum(self.counts, axis=0)

    @property
    def _queries(self) -> FloatArray:
        return np.asarray(self._cumulative[-1])

    def _of_size(self, rule: Callable[[int], int]) -> FloatArray:
        """`rule` of the number of queries of each resample; clusters differ in size."""
        sizes, where = self._sizes
        return np.array([rule(int(m)) for m in sizes], dtype=np.float64)[where]

    @functools.cached_property
    def _sizes(self) -> tuple[FloatArray, NDArray[np.intp]]:
        sizes, where = np.unique(self._queries, return_inverse=True)
        return sizes, where


def resample(
    hits: ArrayLike,
    k: int,
    *,
    cluster: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resamples:
    """Resample the queries of one build with replacement.

    Parameters
    ----------
    hits : integer (m,), each 0…k
    cluster : (m,), optional
        The user or session of each query: whole clusters are drawn instead of queries.
    resamples
        How many at most. Fewer are drawn, never under 2,000 unless asked for, where more than
        some 20 bins or clusters are occupied.

    Raises
    ------
    VbenchError
        No queries, hits outside 0…k, or a cluster for another number of queries.
    """
    values = np.asarray(hits)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iu":
        raise VbenchError(
            f"hits to resample must be integers of one build, shape (m,), got "
            f"{values.dtype} {values.shape}"
        )
    if values.min() < 0 or values.max() > k:
        raise VbenchError(f"hits must lie in 0…{k}, got {values.min()}…{values.max()}")
    rng = np.random.default_rng(seed)
    if cluster is None:
        histogram = np.bincount(values, minlength=k + 1)
        bins = np.flatnonzero(histogram)
        rounds = _rounds(resamples, bins.size)
        counts = rng.multinomial(values.size, histogram[bins] / values.size, size=rounds)
        return Resamples(k, bins, counts.T.astype(np.float64))
    codes, groups = cluster_codes(cluster, values.size)
    bins, columns = np.unique(values, return_inverse=True)
    table = np.zeros((groups, bins.size))
    np.add.at(table, (codes, columns), 1.0)
    drawn = _draw_clusters(table, _rounds(resamples, groups), rng)
    return Resamples(k, bins.astype(np.int64), drawn)


def _rounds(resamples: int, draws: int) -> int:
    return min(resamples, max(_FEWEST_RESAMPLES, _DRAWS // draws))


def _draw_clusters(table: FloatArray, rounds: int, rng: np.random.Generator) -> FloatArray:
    """Sum the histograms (G, J) of G clusters drawn with replacement, `rounds` times: (J, R)."""
    groups = len(table)
    block = max(1, _BLOCK_DRAWS // groups)
    parts: list[FloatArray] = []
    for start in range(0, rounds, block):
        rows = min(block, rounds - start)
        drawn = rng.integers(0, groups, size=(rows, groups))
        drawn += np.arange(rows)[:, np.newaxis] * groups
        weights = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)
        parts.append(table.T @ weights.T.astype(np.float64))
    return np.concatenate(parts, axis=1)


def _ends(values: FloatArray, level: float) -> Interval:
    check_level(level)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
