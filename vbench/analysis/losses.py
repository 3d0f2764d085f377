"""What is lost, and where: paired differences with intervals over queries and builds; and δ.

The choice of δ automates section 5.3 of Wang et al., "Towards Robustness: A Critique of Current
Vector Database Assessments", arXiv 2507.00379: the δ to ask for is the recall under which the stage
downstream keeps less than 90 % of what it makes of exact candidates.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.ranking import LEADING, DeltaChoice, Kept
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


class Cells(NamedTuple):
    """Some cells of builds × queries, such as those in one bucket of recall.

    Attributes
    ----------
    weights : float64 (B, mj), from 0 to 1
    share : their mean
    queries : how many queries have any
    """

    weights: FloatArray
    share: float
    queries: int

    @classmethod
    def of(cls, weights: FloatArray) -> Cells:
        """Those of these weights: counted once, whatever is estimated of them."""
        queries = int((weights > 0).any(axis=0).sum())
        return cls(np.ascontiguousarray(weights), float(weights.mean()), queries)


def average_group(values: FloatArray, cells: Cells) -> float | None:
    """Mean of finite values (B, mj) over some cells, or None where there are none."""
    return float((values * cells.weights).mean() / cells.share) if cells.share else None


def estimate_group(values: FloatArray, cells: Cells) -> Interval:
    """Mean over some cells of builds × queries, with an interval over both.

    Which cells are in differs between builds, so the mean is a ratio of two totals; the interval
    is that of its linearisation, (x − mean)·w over the mean weight, as crossed random effects.

    Parameters
    ----------
    values : (B, mj)
        A NaN has no weight.
    """
    known = np.isfinite(values)
    if not known.all():
        values = np.where(known, values, 0.0)
        cells = Cells.of(np.where(known, cells.weights, 0.0))
    center = average_group(values, cells)
    if center is None:
        return NOTHING
    if cells.queries < 2:
        return Interval(center, None, None)
    plan = layout((values - center) * cells.weights / cells.share)
    half = margin(variance_parts(plan), 0.95)
    return Interval(center, center - half, center + half)


def divide_by_recall(recall: FloatArray, k: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Name of each bucket of recall, and which cells of `recall` (B, mj) it holds."""
    # Of fewer than K neighbors, recall in K-ths is no whole number; rounding must not lift it.
    hits = np.floor(recall * k + 1e-9).astype(np.int64)
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


KEEP = 0.9
RESAMPLES = 500
_DRAWN_AT_ONCE = 50
BINS = 10


def choose_delta(
    exact: FloatArray, trials: FloatArray, recall: FloatArray, ranker: str = "", name: str = ""
) -> DeltaChoice:
    """Find the recall under which less than 90 % of the exact quality is left.

    Quality over recall is made non-decreasing (isotonic regression, weighted by the exact
    quality), and δ is where that curve, linear between the levels, crosses that share.

    Parameters
    ----------
    exact : float64 (mj,), trials : float64 (T, mj)
        Ranking quality of every query, such as nDCG@10.
    recall : float64 (T, mj)
    name : what that recall is called
    """
    # A hit count such as 7 of 10 may lie a rounding error under 0.7.
    level = np.minimum(np.floor(recall * BINS + 1e-9), BINS).astype(np.intp)
    sums = _sums(level, exact, trials, recall)
    used = (sums.cells.sum(axis=0) > 0) & (sums.exact.sum(axis=0) > 0)
    if used.sum() < 2:
        note = (
            "all queries have about the same recall"
            if exact.any()
            else f"{LEADING} of exact candidates is 0: there is nothing to keep"
        )
        return DeltaChoice(
            keep=KEEP,
            delta=NOTHING,
            note=note,
            levels=[],
            ranker=ranker,
            quality=LEADING,
            recall=name,
        )
    sums = sums.at_levels(used)
    once = np.ones((1, len(exact)))
    at, relative, exact_sums = (each[0] for each in _curves(sums, once))
    blocks = [_curves(sums, drawn) for drawn in resamples(len(exact))]
    ats, relatives, weights = (np.concatenate(each) for each in zip(*blocks, strict=True))
    levels = _levels(sums.cells, at, relative, relatives)
    delta = _crossing(at, relative, exact_sums, KEEP)
    resampled = np.array(
        [_crossing(*each, KEEP) for each in zip(ats, relatives, weights, strict=True)]
    )
    low, high = (float(each) for each in np.quantile(resampled, [0.025, 0.975]))
    return DeltaChoice(
        keep=KEEP,
        delta=Interval(delta, low, high),
        note=_note(delta, at, KEEP),
        levels=levels,
        ranker=ranker,
        quality=LEADING,
        recall=name,
    )


def resamples(m: int) -> Iterator[FloatArray]:
    """How often each of `m` queries is drawn in each resample, in blocks: float64 (some, m)."""
    drawn = _drawn(m)
    for first in range(0, RESAMPLES, _DRAWN_AT_ONCE):
        yield drawn[first : first + _DRAWN_AT_ONCE].astype(np.float64)


@functools.lru_cache(maxsize=2)
def _drawn(m: int) -> NDArray[np.uint16]:
    """The same for all, drawn once."""
    rng = np.random.default_rng(0)
    drawn = np.empty((RESAMPLES, m), np.uint16)
    for each in drawn:
        each[:] = np.bincount(rng.integers(0, m, m, dtype=np.uint32), minlength=m)
    return drawn


class _Sums(NamedTuple):
    """Per query and level, float64 (mj, levels); quality of those queries alone that have any."""

    cells: FloatArray
    recall: FloatArray
    exact: FloatArray
    trial: FloatArray
    valued: NDArray[np.intp]

    def at_levels(self, used: NDArray[np.bool_]) -> _Sums:
        """Those of some levels."""
        cells, recall, exact, trial = (each[:, used] for each in self[:4])
        return _Sums(cells, recall, exact, trial, self.valued)


def _sums(
    level: NDArray[np.intp], exact: FloatArray, trials: FloatArray, recall: FloatArray
) -> _Sums:
    m, width = len(exact), BINS + 1
    place = (np.arange(m) * width + level).ravel()

    def total(values: FloatArray) -> FloatArray:
        counts = np.bincount(place, values.ravel(), minlength=m * width)
        return np.asarray(counts.reshape(m, width))

    ones = np.ones_like(trials)
    of_exact, of_trial = total(ones * exact), total(trials)
    valued = np.flatnonzero(of_exact.any(axis=1) | of_trial.any(axis=1))
    return _Sums(total(ones), total(recall), of_exact[valued], of_trial[valued], valued)


def _curves(sums: _Sums, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean recall, relative quality and exact quality of each level, for each resample."""
    cells, recall = weights @ sums.cells, weights @ sums.recall
    weights = weights[:, sums.valued]
    exact, trial = weights @ sums.exact, weights @ sums.trial
    at = recall / np.where(cells > 0, cells, 1.0)
    relative = np.where(exact > 0, trial / np.where(exact > 0, exact, 1.0), 0.0)
    return at, relative, exact


def _levels(
    cells: FloatArray, at: FloatArray, relative: FloatArray, resampled: FloatArray
) -> list[Kept]:
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    queries = (cells > 0).sum(axis=0)
    return [
        Kept(
            recall=float(at[i]),
            cells=int(cells[:, i].sum()),
            queries=int(queries[i]),
            relative=Interval(
                float(relative[i]),
                *((float(low[i]), float(high[i])) if queries[i] > 1 else ()),
            ),
        )
        for i in range(len(at))
    ]


def _crossing(at: FloatArray, relative: FloatArray, weights: FloatArray, keep: float) -> float:
    """Recall at which the isotonic curve reaches `keep`; 1 where it never does."""
    from scipy.optimize import isotonic_regression

    there = weights > 0
    at, curve = at[there], isotonic_regression(relative[there], weights=weights[there]).x
    above = np.flatnonzero(curve >= keep)
    if len(above) == 0:
        return 1.0
    first = above[0]
    if first == 0:
        return float(at[0])
    rise = curve[first] - curve[first - 1]
    step = (keep - curve[first - 1]) / rise
    return float(at[first - 1] + step * (at[first] - at[first - 1]))


def _note(delta: float, at: FloatArray, keep: float) -> str:
    if delta <= at[0]:
        return f"no query had a recall low enough to lose {1 - keep:.0%}: δ is at most {at[0]:.2f}"
    if delta >= 1.0:
        return f"even queries with full recall keep less than {keep:.0%}"
    return ""
