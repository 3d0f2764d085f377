"""Any function of the recall of all queries: estimate, comparison and certificate of it.

For functions of which nothing is known: neither a mean, for which :mod:`vbench.stats.crossed` has
sharper intervals, nor one of those in :mod:`vbench.stats.tail`. Queries are resampled, the same for
all builds and for both sides, and what the builds leave to chance is joined to that in squares. A
certificate moves as many queries to a recall of 0 as Massart's bound allows the distribution of
recall to be worse than it was seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.certificate import Certificate, certify_bound
from vbench.stats.crossed import Estimate, Part, cluster_codes, equivalent_df
from vbench.stats.intervals import Interval, check_level, student
from vbench.stats.paired import Difference, claim_of, difference_of, of_builds

Functional = Callable[[FloatArray], float]
"""Of the recall of some queries, ascending float64 (m,); from 0 to 1."""

RESAMPLES = 1_000
"""Each takes the function once a build; they move an end by some hundredths of its distance."""


def crossed_functional(
    recall: ArrayLike, of: Functional, level: float = 0.95, cluster: ArrayLike | None = None
) -> Estimate:
    """A function of the queries' recall in each build, averaged over builds, with its interval.

    Its ends are quantiles of the resamples, joined to Student's interval of the mean over builds
    (MOVER: Zou and Donner 2008). That holds the noise of the queries twice: with several builds
    it is rather too wide. Where all resamples are equal, as of equal queries, the ends are what
    a share of queries too small to be met could do.

    Parameters
    ----------
    recall : float (m,) or (B, m), each from 0 to 1
    cluster : (m,), optional
        User or session of each query: whole clusters are drawn.

    Raises
    ------
    VbenchError
        No queries, or a cluster for another number of queries.
    """
    check_level(level)
    table = _table(recall)
    values = _of_builds(table, of)
    value, several = float(values.mean()), len(values) > 1
    drawn = _resample(table, of, cluster)
    if np.ptp(drawn) > 0.0:
        low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    else:
        low, high = _unmet(table, of, level)
    builds = student(values, level) if several else Interval(value, value)
    return Estimate(
        value,
        max(value - math.hypot(max(value - low, 0.0), value - builds.low), min(value, 0.0)),
        min(value + math.hypot(max(high - value, 0.0), builds.high - value), max(value, 1.0)),
        float(values.std(ddof=1)) if several else math.nan,
        equivalent_df(_parts(drawn, table, cluster, [values]), level),
        float(values.var(ddof=1)) if several else math.nan,
        float(drawn.var(ddof=1)),
    )


def compare_functionals(
    baseline: ArrayLike,
    candidate: ArrayLike,
    of: Functional,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
) -> Difference:
    """Difference of such a function between two indexes, of the same queries.

    The variance is that of its resamples and of the builds of either side.

    Parameters
    ----------
    baseline, candidate : float (m,) or (B, m), each with its own B
    """
    check_level(level)
    a, b = _table(baseline), _table(candidate)
    if a.shape[1] != b.shape[1]:
        raise VbenchError(
            f"the baseline has {a.shape[1]} queries and the candidate {b.shape[1]}: "
            "compare answers to the same queries"
        )
    sides = [_of_builds(table, of) for table in (a, b)]
    # The seed is one: both sides draw the same queries.
    drawn = _resample(b, of, cluster) - _resample(a, of, cluster)
    parts = _parts(drawn, a, cluster, sides)
    if parts[0].variance == 0.0:
        usual = float(special.ndtri((1.0 + level) / 2.0))
        ends = [_unmet(table, of, level) for table in (a, b)]
        width = math.hypot(*(each.high - each.low for each in ends)) / 2.0
        parts[0] = parts[0]._replace(variance=(width / usual) ** 2)
    value = float(sides[1].mean() - sides[0].mean())
    return difference_of(value, parts, level, claim_of(len(a), len(b)), 1.0)


def certify_functional(
    recall: FloatArray, of: Functional, wanted: float, level: float
) -> Certificate:
    """What recall (m,), ascending, certifies of such a function; more recall must not lower it.

    With confidence `level`, the share of queries at or under any recall is nowhere larger by more
    than sqrt(ln(1/(1 − level)) / 2m) than in the sample (Massart 1990, one side). The distribution
    that this leaves at worst has so many of the best queries at a recall of 0.
    """
    check_level(level)
    m = len(recall)
    worse = min(math.ceil(m * math.sqrt(math.log(1.0 / (1.0 - level)) / (2.0 * m))), m)
    shifted = np.concatenate([np.zeros(worse), recall[: m - worse]])
    return certify_bound(float(of(shifted)), float(of(recall)), wanted, m)


def _table(recall: ArrayLike) -> FloatArray:
    table = np.atleast_2d(np.asarray(recall, dtype=np.float64))
    if table.ndim != 2 or table.size == 0 or not ((table >= 0.0) & (table <= 1.0)).all():
        raise VbenchError(
            "recall must be numbers from 0 to 1 of shape (m,) or (builds, m) with m >= 1, got "
            f"shape {np.shape(recall)}"
        )
    return table


def _of_builds(table: FloatArray, of: Functional) -> FloatArray:
    return np.array([of(np.sort(row)) for row in table], dtype=np.float64)


def _resample(table: FloatArray, of: Functional, cluster: ArrayLike | None) -> FloatArray:
    """The mean over builds in each resample of the queries, float64 (R,)."""
    m = table.shape[1]
    codes, groups = (np.arange(m), m) if cluster is None else cluster_codes(cluster, m)
    rng = np.random.default_rng(0)
    steps, codes_of = np.unique(table, return_inverse=True)
    steps_of = codes_of.reshape(table.shape)
    found = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        times = np.bincount(rng.integers(0, groups, groups), minlength=groups)[codes]
        histograms = [np.bincount(row, times, len(steps)).astype(np.intp) for row in steps_of]
        found[number] = np.mean([of(np.repeat(steps, each)) for each in histograms])
    return found


def _unmet(table: FloatArray, of: Functional, level: float) -> Interval:
    """The function, were there a share of queries at recall 0, or at 1, too small to be met."""
    # Of m queries without a failure, Wilson's interval of a share holds z² / (m + z²).
    more = math.ceil(float(special.ndtri((1.0 + level) / 2.0)) ** 2)
    rows = [np.sort(row) for row in table]
    low, high = (
        np.mean([of(np.sort(np.concatenate([row, np.full(more, end)]))) for row in rows])
        for end in (0.0, 1.0)
    )
    return Interval(float(low), float(high))


def _parts(
    drawn: FloatArray, table: FloatArray, cluster: ArrayLike | None, sides: list[FloatArray]
) -> list[Part]:
    """Variance of the queries, and of the builds of each side that has several."""
    m = table.shape[1]
    groups = m if cluster is None else cluster_codes(cluster, m)[1]
    builds = [Part(float(x.var(ddof=1)) / len(x), len(x) - 1.0) for x in sides if len(x) > 1]
    queries = Part(float(drawn.var(ddof=1)), max(groups - 1.0, 1.0))
    return [queries, *(of_builds(builds) if builds else [])]
