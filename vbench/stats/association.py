"""How a column of the queries goes with their recall: rank correlation, tail AUC, lift."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.intervals import check_level, wilson


class Association(NamedTuple):
    """Strength of association, with an interval; each float64 (columns,)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def spearman(columns: ArrayLike, recall: ArrayLike, level: float = 0.95) -> Association:
    """Spearman's ρ between each column and recall; ties get their mean rank.

    The interval is Fisher's with the variance of Bonett and Wright (2000),
    (1 + ρ²/2) / (m − 3); at ±1 as if two neighboring ranks were exchanged, since else a few
    queries would show a perfect correlation for certain. NaN where a column or recall is constant.

    Parameters
    ----------
    columns : (m,) or (m, columns)
        Values of each query, such as its hardness. Queries with a NaN are left out of that
        column.
    recall : (m,)
        One value of each query, such as its recall averaged over builds.
    """
    check_level(level)
    table, target = _columns(columns, recall)
    found, counts = np.empty(table.shape[1]), np.empty(table.shape[1])
    for number, column in enumerate(table.T):
        known = ~(np.isnan(column) | np.isnan(target))
        counts[number] = known.sum()
        found[number] = _correlation(ranks(column[known]), ranks(target[known]))
    width = float(special.ndtri((1.0 + level) / 2.0)) * np.sqrt(
        (1.0 + found**2 / 2.0) / np.maximum(counts - 3.0, 1.0)
    )
    imperfect = 1.0 - 12.0 / np.maximum(counts * (counts**2 - 1.0), 6.0)
    with np.errstate(divide="ignore"):
        center = np.arctanh(np.sign(found) * np.minimum(np.abs(found), imperfect))
    low, high = np.tanh(center - width), np.tanh(center + width)
    return Association(found, np.minimum(low, found), np.maximum(high, found))


def tail_auc(columns: ArrayLike, tail: ArrayLike, level: float = 0.95) -> Association:
    """Probability that a query of the tail has a larger value than another: Mann–Whitney's AUC.

    Ties count half. 0.5 is no association; under 0.5 the tail has the smaller values. The
    interval has the variance of DeLong et al. (1988) on the logit scale; where tail and rest do
    not overlap, it is Wilson's of the smaller of the two. NaN where the tail holds no query, or
    all.

    Parameters
    ----------
    columns : (m,) or (m, columns)
        Queries with a NaN are left out of that column.
    tail : bool (m,)
        Whether each query is in the tail.
    """
    check_level(level)
    table, inside = _columns(columns, tail)
    found = np.array([_auc(column, inside > 0.0, level) for column in table.T])
    return Association(*np.reshape(found, (-1, 3)).T)


def ranks(values: FloatArray) -> FloatArray:
    """Ranks 1…m; equal values share their mean rank."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2.0)[where])


def _columns(columns: ArrayLike, target: ArrayLike) -> tuple[FloatArray, FloatArray]:
    table = np.asarray(columns, dtype=np.float64)
    table = table[:, np.newaxis] if table.ndim == 1 else table
    values = np.asarray(target, dtype=np.float64)
    if table.ndim != 2 or values.shape != table.shape[:1]:
        raise VbenchError(
            f"columns of shape {np.shape(columns)} do not fit {values.shape} values of queries"
        )
    return table, values


def _correlation(a: FloatArray, b: FloatArray) -> float:
    if len(a) < 2:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    # Not `@`: BLAS would start threads for it.
    of_a, of_b, both = (float(np.einsum("i,i->", *pair)) for pair in ((a, a), (b, b), (a, b)))
    scale = math.sqrt(of_a * of_b)
    return min(max(both / scale, -1.0), 1.0) if scale > 0.0 else math.nan


def _auc(column: FloatArray, tail: NDArray[np.bool_], level: float) -> tuple[float, float, float]:
    known = ~np.isnan(column)
    column, tail = column[known], tail[known]
    inside, outside = int(tail.sum()), int((~tail).sum())
    if min(inside, outside) == 0:
        return math.nan, math.nan, math.nan
    everywhere = ranks(column)
    # Of each query of the tail, the share of the others under it; and the other way round.
    above = (everywhere[tail] - ranks(column[tail])) / outside
    below = 1.0 - (everywhere[~tail] - ranks(column[~tail])) / inside
    auc = float(above.mean())
    if auc in (0.0, 1.0):
        n = min(inside, outside)
        return auc, *wilson(round(auc * n), n, level)
    if min(inside, outside) == 1:
        return auc, 0.0, 1.0
    variance = sum(float(x.var(ddof=1)) / len(x) for x in (above, below))
    half = float(special.ndtri((1.0 + level) / 2.0)) * math.sqrt(variance) / (auc * (1.0 - auc))
    center = float(special.logit(auc))
    return auc, float(special.expit(center - half)), float(special.expit(center + half))
