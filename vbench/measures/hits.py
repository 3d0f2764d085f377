"""Hits: how many of the exact K nearest neighbors an answer contains, and the rules for it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray, Metric, tie_limit

Ids = NDArray[np.integer[Any]]
Rule = Literal["exact-tie", "id", "ann-benchmarks"]
RULES: tuple[Rule, ...] = get_args(Rule)
DistancesOf = Callable[[NDArray[np.intp], Ids], FloatArray]
"""`(query rows, ids of the same length) -> float64 distances`, from the stored vectors."""

_BLOCK_COMPARES = 1 << 20


def threshold(delta: float, k: int) -> int:
    """Hits that a query needs for a recall of at least `delta`: ceil(δ·K), exactly.

    δ is taken as the decimal that was written. In floats, ``0.07 * 100`` is more than 7 and a
    query with 7 hits would be lost.
    """
    product = Fraction(repr(float(delta))) * k
    return -(-product.numerator // product.denominator)


def truth_reach(distances: FloatArray, k: int, metric: Metric, rule: Rule) -> NDArray[np.intp]:
    """How many leading true neighbors count as the top `k` of each query: k plus exact ties."""
    if rule == "id":
        return np.full(len(distances), k, dtype=np.intp)
    kth = distances[:, k - 1 : k]
    if rule == "ann-benchmarks":
        return np.asarray((distances <= kth + 1e-3).sum(axis=1))
    return np.asarray((distances <= tie_limit(kth, metric)).sum(axis=1))


def relevant(wanted: Ids, among: Ids, reach: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
    """Which entries of `wanted` (m, a) stand in the same row of `among` (m, b).

    With `reach`, only the first ``reach[i]`` entries of row i are wanted.
    """
    found = np.empty(wanted.shape, dtype=bool)
    rows = max(1, _BLOCK_COMPARES // max(1, wanted.shape[1] * among.shape[1]))
    for start in range(0, len(wanted), rows):
        part = slice(start, start + rows)
        np.any(wanted[part, :, np.newaxis] == among[part, np.newaxis, :], axis=2, out=found[part])
    if reach is not None:
        found &= np.arange(wanted.shape[1]) < reach[:, np.newaxis]
    return found


def count_hits(
    ids: Ids,
    truth_ids: Ids,
    truth_distances: FloatArray,
    k: int,
    metric: Metric,
    rule: Rule,
    distances_of: DistancesOf,
) -> NDArray[np.int32]:
    """Hits of each query, 0…k.

    An id that is returned twice counts once, a pad (−1) is a miss. A returned id outside the
    exact top k still hits when its distance ties with the k-th (`exact-tie`) or is within 1e-3
    of it (`ann-benchmarks`). Distances are looked up in the ground truth; only where a tie reaches
    its last entry are they recomputed, by `distances_of`.

    Parameters
    ----------
    ids : integer (m, k), −1 pads
    truth_ids, truth_distances : (m, depth), depth ≥ k, nearest first
    """
    reach = truth_reach(truth_distances, k, metric, rule)
    found = relevant(truth_ids[:, : int(reach.max(initial=k))], ids, reach)
    hits: NDArray[np.int32] = found.sum(axis=1, dtype=np.int32)
    open_ended = (reach == truth_distances.shape[1]) & (hits < k)
    if rule != "id" and open_ended.any():
        rows = np.flatnonzero(open_ended)
        hits[rows] += _ties_beyond(
            rows, ids, truth_ids, truth_distances[:, k - 1], metric, rule, distances_of
        )
    np.minimum(hits, k, out=hits)
    return hits


def _ties_beyond(
    rows: NDArray[np.intp],
    ids: Ids,
    truth_ids: Ids,
    kth: FloatArray,
    metric: Metric,
    rule: Rule,
    distances_of: DistancesOf,
) -> NDArray[np.int32]:
    """Distinct returned ids beyond the ground truth that tie with its last entry."""
    limit = kth + 1e-3 if rule == "ann-benchmarks" else tie_limit(kth, metric)
    extra = np.zeros(len(rows), dtype=np.int32)
    for position, row in enumerate(rows):
        fresh = np.setdiff1d(ids[row][ids[row] >= 0], truth_ids[row])
        if len(fresh):
            near = distances_of(np.full(len(fresh), row), fresh) <= limit[row]
            extra[position] = near.sum()
    return extra
