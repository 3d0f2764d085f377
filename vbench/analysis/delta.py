"""Choosing δ: how much ranking quality a query keeps, as a function of its recall.

Automates section 5.3 of Wang et al., "Towards Robustness: A Critique of Current Vector Database
Assessments", arXiv 2507.00379: the δ to ask for is the recall under which the stage downstream
keeps less than 90 % of what it makes of exact candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.losses import NOTHING
from vbench.analysis.ranking import Choice, Kept
from vbench.metric import FloatArray

KEEP = 0.9
RESAMPLES = 500
BINS = 10


def choose_delta(
    exact: FloatArray, trials: FloatArray, recall: FloatArray, keep: float = KEEP, seed: int = 0
) -> Choice:
    """Find the recall under which less than `keep` of the exact quality is left.

    Quality over recall is made non-decreasing (isotonic regression, weighted by the exact
    quality), and δ is where that curve, linear between the levels, crosses `keep`.

    Parameters
    ----------
    exact : float64 (mj,), trials : float64 (T, mj)
        Ranking quality of every query, such as nDCG@10.
    recall : float64 (T, mj)
    """
    # A hit count such as 7 of 10 may lie a rounding error under 0.7.
    level = np.minimum(np.floor(recall * BINS + 1e-9), BINS).astype(np.intp)
    sums = _sums(level, exact, trials, recall)
    used = (sums.cells.sum(axis=0) > 0) & (sums.exact.sum(axis=0) > 0)
    if used.sum() < 2:
        note = "all queries have about the same recall"
        return Choice(keep=keep, delta=NOTHING, note=note, levels=[])
    once = np.ones((1, len(exact)))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(exact), np.full(len(exact), 1 / len(exact)), RESAMPLES)
    at, relative, exact_sums = (each[0] for each in _curves(sums, used, once))
    ats, relatives, weights = _curves(sums, used, drawn.astype(np.float64))
    levels = _levels(sums, used, at, relative, relatives)
    delta = _crossing(at, relative, exact_sums, keep)
    resampled = np.array(
        [_crossing(*each, keep) for each in zip(ats, relatives, weights, strict=True)]
    )
    low, high = (float(each) for each in np.quantile(resampled, [0.025, 0.975]))
    note = _note(delta, at, keep)
    return Choice(keep=keep, delta=Interval(delta, low, high), note=note, levels=levels)


class _Sums(NamedTuple):
    """Per query and level, float64 (mj, BINS + 1)."""

    cells: FloatArray
    recall: FloatArray
    exact: FloatArray
    trial: FloatArray


def _sums(
    level: NDArray[np.intp], exact: FloatArray, trials: FloatArray, recall: FloatArray
) -> _Sums:
    m, width = len(exact), BINS + 1
    place = (np.arange(m) * width + level).ravel()

    def total(values: FloatArray) -> FloatArray:
        counts = np.bincount(place, values.ravel(), minlength=m * width)
        return np.asarray(counts.reshape(m, width))

    ones = np.ones_like(trials)
    return _Sums(total(ones), total(recall), total(ones * exact), total(trials))


def _curves(
    sums: _Sums, used: NDArray[np.bool_], weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean recall, relative quality and exact quality of each level, for each resample."""
    cells, recall, exact, trial = (weights @ each[:, used] for each in sums)
    at = recall / np.where(cells > 0, cells, 1.0)
    relative = np.where(exact > 0, trial / np.where(exact > 0, exact, 1.0), 0.0)
    return at, relative, exact


def _levels(
    sums: _Sums,
    used: NDArray[np.bool_],
    at: FloatArray,
    relative: FloatArray,
    resampled: FloatArray,
) -> list[Kept]:
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    cells = sums.cells[:, used]
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
