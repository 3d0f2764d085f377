"""What the same misses cost rankers of rising strength: shares lost, and their slope."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from vbench._document import Interval
from vbench.analysis.losses import resamples
from vbench.analysis.ranking import LEADING, LossLevel, RankerShare
from vbench.measures.base import Measure
from vbench.metric import FloatArray
from vbench.ranking.ranked import Ranked
from vbench.ranking.stage import CUTOFF

LEVELS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Ends of the levels of a measure; the last one holds its upper end."""
STEP = 0.01
"""The nDCG@10 that a slope is told for."""
FEWEST_RANKERS = 3


def asked_measures(k: int) -> list[str]:
    """The measures of an index whose levels are told, in the grammar."""
    survival = [f"Recall(truth={CUTOFF})@{k}"] if k > CUTOFF else []
    return [f"Recall@{k}", f"Robustness(delta=0.5)@{k}", f"Robustness(delta=0.9)@{k}", *survival]


def find_levels(
    ranked: Sequence[Ranked], values: Mapping[Measure, FloatArray], k: int
) -> list[LossLevel]:
    """The share of the exact nDCG@10 that each ranker loses, over the trials of each level.

    A share is Σ (exact − trial) / Σ exact, over queries and the trials of the level. The slope is
    that of the least-squares line through the rankers: share over nDCG@10 with exact candidates.
    Intervals resample queries, for all rankers together, so that both are paired.

    Parameters
    ----------
    values : float64 (T,) by measure, of every trial
    """
    named = {str(measure): each for measure, each in values.items()}
    exact = np.stack([each.exact[LEADING] for each in ranked])
    levels: list[tuple[str, tuple[float, float], int]] = []
    lost = []
    for name in asked_measures(k):
        bins = np.digitize(named[name], LEVELS[1:-1])
        for number, ends in enumerate(itertools.pairwise(LEVELS)):
            trials = np.flatnonzero(bins == number)
            if len(trials):
                levels.append((name, ends, len(trials)))
                kept = np.stack([each.trials[LEADING][trials].mean(axis=0) for each in ranked])
                lost.append(exact - kept)
    # Of all levels at once: what was drawn of the queries is the same for each.
    means = _resampled(np.concatenate([exact, *lost]))
    whole, *parts = np.split(means, len(levels) + 1, axis=1)
    return [_level(ranked, level, whole, part) for level, part in zip(levels, parts, strict=True)]


def _resampled(values: FloatArray) -> FloatArray:
    """Means of rows (c, m) over all queries, then over those of each resample: (1 + R, c)."""
    m = values.shape[1]
    means = [values.mean(axis=1)[np.newaxis]]
    some = np.flatnonzero(values.any(axis=0))
    valued = values[:, some].T
    means += [drawn[:, some] @ valued / m for drawn in resamples(m)]
    return np.concatenate(means)


def _level(
    ranked: Sequence[Ranked],
    level: tuple[str, tuple[float, float], int],
    whole: FloatArray,
    lost: FloatArray,
) -> LossLevel:
    name, ends, trials = level
    with np.errstate(invalid="ignore", divide="ignore"):
        share = lost / whole
    return LossLevel(
        measure=name,
        low=ends[0],
        high=ends[1],
        trials=trials,
        shares=[
            RankerShare(ranker=each.name, share=_interval(column))
            for each, column in zip(ranked, share.T, strict=True)
        ],
        slope=_interval(fit_slopes(whole, share) * STEP),
    )


def fit_slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """Slope of the least-squares line of each row: (R, points) twice → (R,).

    NaN with fewer than three points, or where all x are the same.
    """
    apart = x - x.mean(axis=1, keepdims=True)
    spread = (apart * apart).sum(axis=1)
    if x.shape[1] < FEWEST_RANKERS:
        return np.full(len(x), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((apart * y).sum(axis=1) / spread)


def _interval(values: FloatArray) -> Interval:
    """The first value, and the middle 95 % of the others; nothing where any is not finite."""
    if not np.isfinite(values).all():
        return Interval(float(values[0]) if np.isfinite(values[0]) else None)
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Interval(float(values[0]), float(low), float(high))
