"""Measures of the tail over several builds: CVaR and percentiles, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from vbench.metric import FloatArray
from vbench.stats.crossed import (
    UNIT,
    Estimate,
    Layout,
    Part,
    bounded_ends,
    equivalent_df,
    estimate,
    layout,
    margin,
    matrix,
    variance_parts,
)
from vbench.stats.intervals import Interval, check_level, percentile_rank, tail_size
from vbench.stats.shares import Shares

_LEAST_LEVEL = 0.5
"""Of the interval whose upper end is the largest α-quantile that :func:`crossed_cvar` tries.

docs/statistics.md, "Measured coverage", has what CVaR's interval covers with it."""


def crossed_cvar(
    x: ArrayLike | Shares, alpha: float, level: float = 0.95, cluster: ArrayLike | None = None
) -> Estimate:
    """Mean of the worst ⌈αm⌉ queries of each build, averaged over builds, with its interval.

    Rockafellar and Uryasev (2000): CVaR is the largest q − E[(q − x)₊]/α over q, reached at the
    α-quantile. For a fixed q the shortfall (q − x)₊ is a mean of values in [0, q], so it has the
    interval of :func:`vbench.stats.crossed.crossed_mean`. The upper end also tries the largest q
    that may be the α-quantile: in a tail of total failures the shortfall at the observed quantile
    is 0 for every query, and hides how near the edge of that tail may be.

    Parameters
    ----------
    x : (m,) or (B, m), in [0, 1]
        Per-query recall of each build, or its shares, with the clusters that they have.
    alpha
        Share of the queries that is the tail, 0 < alpha ≤ 1.
    cluster : (m,), optional
        User or session of each query.
    """
    check_level(level)
    shares = _shares_of(x, UNIT, cluster)
    builds, m = shares.rows.shape
    share = tail_size(m, alpha) / m
    build_values, quantile = cvar_of_builds(shares, alpha)
    value = float(build_values.mean())
    spread = float(build_values.std(ddof=1)) if builds > 1 else math.nan
    plan, parts, ends = _shortfall(shares, quantile, share, level, spread)
    # The worst of few queries flatters: a sample's CVaR is too high on average, and pooled
    # builds are nearer to the truth. So only the upper end is counted from the builds' own mean.
    low, high = ends.low, ends.high + value - (quantile - plan.mean / share)
    if builds > 1:
        # The score interval leans towards more failures, as rare ones call for. Builds that
        # drift lean the other way: no tail is under 0.
        high = max(high, value + margin(parts[1:], level) / share)
    one_sided = max(2.0 * level - 1.0, _LEAST_LEVEL)
    largest = quantile_interval(shares, share, one_sided).high
    if largest > quantile:
        high = max(high, _shortfall(shares, largest, share, level, spread)[2].high)

    about = estimate(plan, parts, ends, level)
    return Estimate(
        value,
        min(max(low, 0.0), value),
        max(min(high, 1.0), value),
        spread,
        about.df,
        about.var_builds / share**2,
        about.var_queries / share**2,
    )


def cvar_of_builds(x: Shares, alpha: float) -> tuple[FloatArray, float]:
    """CVaR of each build, float64 (B,), and the α-quantile of all of them pooled."""
    builds, m = x.rows.shape
    size = tail_size(m, alpha)
    return x.rows[:, :size].mean(axis=1), x.value_at(builds * size)


def crossed_percentile(
    x: ArrayLike | Shares,
    p: float,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] = UNIT,
) -> Estimate:
    """Lower p-th percentile of each build, averaged over builds, with its interval.

    Of one build it is Woodruff's (1952), which needs no density and is right for discrete recall:
    all values v for which the interval of the share of queries at or under v allows p %. Of
    several builds it is that of the mean over builds of their percentiles: see
    :func:`percentile_ends`. Where the queries are too few to bound the percentile on one side,
    that end is the bound.

    Parameters
    ----------
    x : (m,) or (B, m)
        Per-query recall, or times, of each build, or its shares, with the clusters that they have.
    p
        0 … 100.
    bounds
        Smallest and largest possible value, such as ``(0, math.inf)`` for times.
    """
    check_level(level)
    shares = _shares_of(x, bounds, cluster)
    builds, m = shares.rows.shape
    build_values = shares.rows[:, percentile_rank(m, p)]
    low, high = percentile_ends(shares, p, bounds=bounds)(level)
    threshold = float(np.median(build_values))
    value = float(build_values.mean())
    # A mean of equal values may round to the outside of them.
    return Estimate(
        value,
        min(low, value),
        max(high, value),
        float(build_values.std(ddof=1)) if builds > 1 else math.nan,
        equivalent_df(variance_parts(shares.at_most(threshold)), level),
        float(build_values.var(ddof=1)) if builds > 1 else math.nan,
        math.nan,
    )


def percentile_ends(
    x: Shares, p: float, *, bounds: tuple[float, float] = UNIT
) -> Callable[[float], Interval]:
    """The interval, at any level, of the mean over builds of the lower p-th percentile.

    The percentile of a build is more than v where fewer than p % of its queries are at or under
    v, so the mean over builds is the sum, over the values v that occur, of the distance to the
    next one times the share of builds where that is so. How far under p % a build's share at v
    lies is Student's t with the spread of the builds; the ends take the mean share at v to be at
    one end of its interval, as Woodruff's do, to which they come down where builds agree.
    """
    share = p / 100.0
    builds, steps = len(x.rows), x.values
    if builds == 1:
        return lambda level: quantile_interval(x, share, level, bounds=bounds)
    unmet = x.at_most(-math.inf)
    plans = [x.at_most(step) for step in steps[:-1]]
    parts = [variance_parts(plan) for plan in plans]
    spreads = [float(plan.build_means.std(ddof=1)) for plan in plans]

    def above(mean_shares: list[float]) -> float:
        """Sum over the values that occur; a share of builds where `spread` is 0 is 0 or 1."""
        total = 0.0
        for mean, spread, gap in zip(mean_shares, spreads, np.diff(steps), strict=True):
            under = share - mean
            weight = special.stdtr(builds - 1, under / spread) if spread > 0.0 else under > 0.0
            total += float(gap) * float(weight)
        return total

    def ends(level: float) -> Interval:
        unseen = bounded_ends(unmet, variance_parts(unmet), level, UNIT).high
        shares = [
            bounded_ends(plan, part, level, UNIT) for plan, part in zip(plans, parts, strict=True)
        ]
        low = bounds[0] if unseen >= share else float(steps[0])
        high = float(steps[0]) + (bounds[1] - float(steps[-1]) if 1.0 - unseen < share else 0.0)
        return Interval(
            low + above([each.high for each in shares]), high + above([each.low for each in shares])
        )

    return ends


def quantile_interval(
    x: Shares, share: float, level: float, *, bounds: tuple[float, float] = UNIT
) -> Interval:
    """Values v for which the interval of the share at or under v holds `share`."""
    steps = x.values

    def under(value: float) -> Interval:
        plan = x.at_most(value)
        return bounded_ends(plan, variance_parts(plan), level, UNIT)

    def end(reaches: Callable[[Interval], bool]) -> int:
        low, high = 0, len(steps)
        while low < high:
            middle = (low + high) // 2
            if reaches(under(steps[middle])):
                high = middle
            else:
                low = middle + 1
        return low

    lowest = end(lambda found: found.high >= share)
    highest = end(lambda found: found.low >= share)
    unseen = under(-math.inf).high
    return Interval(
        bounds[0] if unseen >= share else float(steps[min(lowest, len(steps) - 1)]),
        bounds[1] if highest == len(steps) else float(steps[highest]),
    )


def _shares_of(
    x: ArrayLike | Shares, bounds: tuple[float, float], cluster: ArrayLike | None
) -> Shares:
    return x if isinstance(x, Shares) else Shares(matrix(x, bounds), cluster)


def _shortfall(
    x: Shares, quantile: float, share: float, level: float, spread: float
) -> tuple[Layout, tuple[Part, ...], Interval]:
    """Layout of (quantile − x)₊, and the interval of quantile − E[(quantile − x)₊]/share."""
    plan = layout(np.maximum(quantile - x.x, 0.0), x.cluster)
    parts = variance_parts(plan)
    linear = float(plan.build_means.std(ddof=1)) / share if len(x.rows) > 1 else 0.0
    if 0.0 < linear < spread:
        # The tail of a good build may lie above the quantile of all, where no shortfall counts.
        parts = (parts[0], Part(parts[1].variance * (spread / linear) ** 2, parts[1].df))
    under = bounded_ends(plan, parts, level, (0.0, quantile))
    return plan, parts, Interval(quantile - under.high / share, quantile - under.low / share)
