"""Query hardness: nine numbers that tell before any search which queries an index will miss.

All come from the exact neighbors, in Euclidean distances d_1 ≤ d_2 ≤ …: `cosine` as the chord
between unit vectors, `ip` after the map that makes it Euclidean (Bachrach et al. 2014), which
appends sqrt(M² − ‖x‖²) to base vectors and 0 to queries, M being the largest norm in the base.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench._process.cores import usable_cores
from vbench.errors import VbenchError
from vbench.metric import FloatArray, Metric
from vbench.neighbors.euclidean import euclidean, largest_norm, normalize, square_norms
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import ScoreSpace
from vbench.neighbors.within import count_within

NAMES = (
    "lid",
    "lid_10",
    "relative_contrast",
    "expansion",
    "epsilon_hardness",
    "k_occurrence",
    "mahalanobis",
    "norm",
    "margin",
)
EPSILON = 0.05

_CONTRAST_SAMPLE = 1_000
_OCCURRENCE_SAMPLE = 4_000
_COVARIANCE_SAMPLE = 100_000

Ids = NDArray[np.integer[Any]]


def hardness(
    base: NDArray[Any],
    queries: NDArray[Any],
    truth_ids: Ids,
    truth_distances: FloatArray,
    metric: Metric,
    *,
    k: int = 10,
    seed: int = 0,
    threads: int | None = None,
    occurrence: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """Every hardness measure of every query.

    Parameters
    ----------
    base : (n, d), queries : (m, d)
    truth_ids : integer (m, depth), truth_distances : float64 (m, depth)
        Exact neighbors, nearest first, distances as :func:`vbench.metric.distance` defines them.
    k
        Neighbors that count, at most depth.
    seed
        Of the samples of the base that `relative_contrast` and `k_occurrence` use.
    threads
        Default: the cores that this process may use.
    occurrence : float64 (n,), optional
        What :func:`base_occurrence` returned for this base, to save computing it again.

    Returns
    -------
    dict of float64 (m,)
        In the order of `NAMES`. A measure that needs more neighbors than are given (100 for
        `lid`, 10 for `lid_10`, 2k for `expansion`, k + 1 for `margin`) is left out. Where d_k is
        0, a ratio to it is NaN or infinite.

        `lid`, `lid_10`: local intrinsic dimension from the nearest 100 and 10. `relative_contrast`:
        mean distance to a sample of the base / d_k. `expansion`: d_2k / d_k. `epsilon_hardness`:
        number of base vectors within 1.05 d_k, counted in the base where more are than given.
        `k_occurrence`: mean over the true top k of the estimated number of base vectors that have
        it in their own top k. `mahalanobis`: distance of the query to the distribution of the
        base. `norm`: ‖q‖. `margin`: (d_{k+1} − d_k) / d_k.

    Raises
    ------
    VbenchError
        k larger than the depth of the ground truth, or arrays that do not belong together.
    """
    m, depth = truth_ids.shape
    if truth_distances.shape != (m, depth) or len(queries) != m:
        raise VbenchError(
            f"{len(queries)} queries with neighbors of shape {truth_ids.shape} and distances "
            f"of shape {truth_distances.shape} do not belong together"
        )
    if not 1 <= k <= depth:
        raise VbenchError(f"hardness at k={k} needs that many true neighbors, there are {depth}")
    threads = threads or len(usable_cores())
    largest = largest_norm(base) if metric == "ip" else 0.0
    d = euclidean(truth_distances, queries, metric, largest)
    if occurrence is None:
        occurrence = base_occurrence(base, metric, k, seed=seed, threads=threads)

    found: dict[str, FloatArray] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        if depth >= 100:
            found["lid"] = lid(d[:, :100])
        if depth >= 10:
            found["lid_10"] = lid(d[:, :10])
        mean = _mean_distance(base, queries, metric, largest, seed)
        found["relative_contrast"] = mean / d[:, k - 1]
        if depth >= 2 * k:
            found["expansion"] = d[:, 2 * k - 1] / d[:, k - 1]
        found["epsilon_hardness"] = _epsilon_hardness(base, queries, d, metric, k, largest, threads)
        found["k_occurrence"] = occurrence[truth_ids[:, :k]].mean(axis=1)
        found["mahalanobis"] = mahalanobis(base, queries, metric, seed)
        found["norm"] = np.sqrt(square_norms(queries))
        if depth > k:
            found["margin"] = (d[:, k] - d[:, k - 1]) / d[:, k - 1]
    return found


def lid(d: FloatArray) -> FloatArray:
    """Local intrinsic dimension of each row of Euclidean distances (m, k), nearest first.

    The maximum likelihood estimate −[(1/k) Σ ln(d_i / d_k)]⁻¹ (Amsaleg et al. 2015), zero
    distances dropped. Infinite where all are equal, NaN where all are zero.
    """
    kept = d > 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(kept, np.log(d / d[:, -1:]), 0.0)
        return np.asarray(kept.sum(axis=1) / np.abs(logs.sum(axis=1)))


def base_occurrence(
    base: NDArray[Any], metric: Metric, k: int, *, seed: int = 0, threads: int = 1
) -> FloatArray:
    """How many base vectors have each base vector in their own top k (Radovanović 2010).

    Estimated from 4,000 base vectors drawn by `seed`, scaled to all n; exact where n is smaller.
    A vector is not its own neighbor.

    Returns
    -------
    float64 (n,), of mean k
    """
    n = len(base)
    k = min(k, n - 1)
    if k < 1:
        return np.zeros(n)
    rows = sample_of(base, _OCCURRENCE_SAMPLE, seed, metric)
    ids, _ = nearest(base[rows], base, metric, k + 1, threads=threads)
    own = ids == rows[:, np.newaxis]
    # By inner product a vector need not be among its own nearest: then the last is one too many.
    own[:, -1] |= ~own.any(axis=1)
    kept = ids[~own]
    return np.asarray(np.bincount(kept, minlength=n) * (n / len(rows)))


def _mean_distance(
    base: NDArray[Any], queries: NDArray[Any], metric: Metric, largest_norm: float, seed: int
) -> FloatArray:
    """Mean Euclidean distance (m,) of each query to a sample of the base."""
    sample = base[sample_of(base, _CONTRAST_SAMPLE, seed, metric)]
    means = np.empty(len(queries))
    for start in range(0, len(queries), _CONTRAST_SAMPLE):
        part = slice(start, start + _CONTRAST_SAMPLE)
        space = ScoreSpace(queries[part], sample, metric, start)
        rows, _ = space.rows(sample, np.float64, 0)
        halves = space.half_squares(largest_norm)[:, np.newaxis] - space.wide @ rows.T
        means[part] = np.sqrt(np.maximum(2.0 * halves, 0.0)).mean(axis=1)
    return means


def _epsilon_hardness(
    base: NDArray[Any],
    queries: NDArray[Any],
    d: FloatArray,
    metric: Metric,
    k: int,
    largest_norm: float,
    threads: int,
) -> FloatArray:
    """Number of base vectors within 1.05 d_k (m,); those given answer where they are enough."""
    limits = (1.0 + EPSILON) * d[:, k - 1]
    counts = (d <= limits[:, np.newaxis]).sum(axis=1)
    beyond = np.flatnonzero((counts == d.shape[1]) & (d.shape[1] < len(base)))
    if beyond.size:
        counts[beyond] = count_within(
            queries[beyond], base, metric, limits[beyond], largest_norm, threads=threads
        )
    return np.asarray(counts, dtype=np.float64)


def mahalanobis(base: NDArray[Any], queries: NDArray[Any], metric: Metric, seed: int) -> FloatArray:
    """Mahalanobis distance (m,) of each query to the mean and covariance of the base.

    A direction in which the base hardly varies counts as if it varied by 1e-9 of the widest.
    """
    sample = base[sample_of(base, _COVARIANCE_SAMPLE, seed, metric)].astype(np.float64)
    asked = queries.astype(np.float64)
    if metric == "cosine":
        normalize(sample)
        normalize(asked)
    centered = sample - sample.mean(axis=0)
    variances, axes = np.linalg.eigh(centered.T @ centered / max(len(sample) - 1, 1))
    # Of equal vectors all else is infinitely far.
    variances = np.maximum(variances, max(1e-9 * variances[-1], np.finfo(np.float64).tiny))
    along = (asked - sample.mean(axis=0)) @ axes
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt((along**2 / variances).sum(axis=1)))


def sample_of(base: NDArray[Any], size: int, seed: int, metric: Metric) -> NDArray[np.int64]:
    """Ascending rows of a sample of the base, without those that have no direction under `cosine`.

    All n, or `size` of them drawn by `seed` without replacement.
    """
    rows = np.arange(len(base))
    if len(base) > size:
        rows = np.sort(np.random.default_rng(seed).choice(len(base), size, replace=False))
    return rows[np.any(base[rows], axis=1)] if metric == "cosine" else rows
