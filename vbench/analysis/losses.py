"""What is lost, and where: paired differences with intervals over queries and builds."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.measures.hits import threshold
from vbench.metric import FloatArray
from vbench.stats.crossed import crossed_mean, layout, margin, variance_parts
from vbench.stats.intervals import tail_size

BUCKETS = (0.0, 0.5, 0.7, 0.9, 1.0)
"""Lower ends of the buckets of recall; the last one holds the queries with recall 1."""

_DIFFERENCE = (-1.0, 1.0)


NOTHING = Interval(None)
"""There is nothing to take the mean of."""


def estimate_mean(values: FloatArray) -> Interval:
    """Mean of (mj,) or (B, mj) values in [−1, 1]; queries with a NaN in any build are left out."""
    rows = np.atleast_2d(values)
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    if rows.shape[1] == 0:
        return NOTHING
    bounds = (0.0, 1.0) if rows.min() >= 0 else _DIFFERENCE
    estimate = crossed_mean(rows, bounds=bounds)
    return Interval(estimate.value, estimate.low, estimate.high)


def estimate_loss(exact: FloatArray, trials: FloatArray) -> Interval:
    """Mean of exact − trial, paired by query, with an interval over queries and builds.

    Parameters
    ----------
    exact : (mj,), trials : (B, mj), in [0, 1]
    """
    difference = exact - trials
    kept = np.isfinite(difference).all(axis=0)
    if not kept.any():
        return NOTHING
    estimate = crossed_mean(difference[:, kept], bounds=_DIFFERENCE)
    return Interval(estimate.value, estimate.low, estimate.high)


def estimate_group(values: FloatArray, weights: FloatArray) -> Interval:
    """Mean over some cells of builds × queries, such as those in one bucket of recall.

    Which cells are in differs between builds, so the mean is a ratio of two totals; the interval
    is that of its linearisation, (x − mean)·w over the mean weight, as crossed random effects.

    Parameters
    ----------
    values, weights : (B, mj)
        Weights from 0 to 1; a NaN value has none.
    """
    weights = np.where(np.isfinite(values), weights, 0.0)
    share = float(weights.mean())
    if share == 0.0:
        return NOTHING
    values = np.where(weights > 0, values, 0.0)
    center = float((values * weights).mean() / share)
    if int((weights > 0).any(axis=0).sum()) < 2:
        return Interval(center, None, None)
    half = margin(variance_parts(layout((values - center) * weights / share)), 0.95)
    return Interval(center, center - half, center + half)


def divide_by_recall(recall: FloatArray, k: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Name of each bucket of recall, and which cells of `recall` (B, mj) it holds."""
    hits = np.rint(recall * k).astype(np.int64)
    lows = [threshold(low, k) for low in BUCKETS]
    highs = [*lows[1:], k + 1]
    names = [f"{low:g} – {high:g}" for low, high in itertools.pairwise(BUCKETS)] + ["1"]
    return [
        (name, (hits >= low) & (hits < high))
        for name, low, high in zip(names, lows, highs, strict=True)
    ]


def weigh_worst(recall: FloatArray, alpha: float = 0.05) -> FloatArray:
    """Weight of each cell in "the worst `alpha`" of its build, by recall: float64 (B, mj).

    Queries that tie at the edge of the tail share what is left of it, so that their order does
    not matter.
    """
    size = tail_size(recall.shape[1], alpha)
    edge = np.partition(recall, size - 1, axis=1)[:, size - 1 : size]
    below, at = recall < edge, recall == edge
    left = size - below.sum(axis=1, keepdims=True)
    return np.where(below, 1.0, np.where(at, left / at.sum(axis=1, keepdims=True), 0.0))


def average_known(values: FloatArray) -> float | None:
    """Mean of the finite values, or None."""
    kept = values[np.isfinite(values)]
    return None if len(kept) == 0 or not math.isfinite(kept.mean()) else float(kept.mean())
