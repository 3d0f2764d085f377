"""Several builds of one setting: builds and queries as crossed random effects.

Per-query values x[b, i] of builds b = 1…B over the same queries i = 1…m are modeled as

    x[b, i] = mean + build[b] + query[i] + both[b, i]

where `query` is what makes a query hard for every build (the persistent tail), `both` what makes
it hard for one build only (the build-dependent tail), and `build` a shift of one build on all
queries. The variance of the mean, σ²_build/B + σ²_query/m + σ²_both/Bm, is estimated from the
mean squares of the two-way layout without replication.

Satterthwaite's degrees of freedom cover too little with two or three builds (88–92 % where 95 %
is claimed): they rest on a variance that two or three builds barely determine. Here each part of
the variance keeps its own t quantile, V·t² = Σ V_part · t²_part (Cochran's approximation to the
Behrens–Fisher problem), after what is surely not drift of the builds has been moved from the
builds' part to the queries'. `docs/statistics.md` has the measured coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.intervals import Band, Interval, check_level, dkw_half_width

UNIT = (0.0, 1.0)

# Chosen by simulation: docs/statistics.md, "Measured coverage", over 2 to 8 builds.
_NOISE_POWER = 4
"""Of the queries' share in :func:`noise_share`: covers 94 to 98 % for any mixture of effects."""
_UNMET = 0.25
"""Weight of the query that was not met, see :func:`bounded_ends`.

With it mean recall is covered as often as is claimed, of 200 queries whose tail is rare too."""


class Estimate(NamedTuple):
    """A measure over several builds, with an interval that covers both builds and queries.

    Attributes
    ----------
    value
        Mean over builds of the measure of each build.
    low, high
        Ends of the interval. With one build it covers the queries only.
    spread
        Standard deviation (divisor B − 1) of the measure over the builds: how far one build may
        lie from another on these queries. NaN with one build.
    df
        Degrees of freedom of the t distribution whose quantile the interval used: near 1 or 2
        where builds dominate, large where queries do.
    var_builds, var_queries
        Estimated variance of the shift of a build, and of what a query has in common over
        builds, in the square of the measure's unit. NaN where one build or one query cannot tell.
    """

    value: float
    low: float
    high: float
    spread: float
    df: float
    var_builds: float
    var_queries: float


class Part(NamedTuple):
    """One source of variance of an estimate."""

    variance: float
    df: float


class Layout(NamedTuple):
    """What the two-way layout says about the mean of x (B, m).

    `groups` is the number of independent queries (of clusters, in terms of equally large ones).
    Mean squares follow the analysis of variance; `ms_both` and `ms_builds` are 0 with one build.
    `variance` is that of all values around their mean, exactly 0 where they are equal.
    """

    mean: float
    build_means: FloatArray
    group_means: FloatArray
    groups: float
    ms_builds: float
    ms_queries: float
    ms_both: float
    variance: float

    @property
    def builds(self) -> int:
        """Number of builds."""
        return len(self.build_means)


def crossed_mean(
    x: ArrayLike,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] | None = UNIT,
) -> Estimate:
    """Mean of per-query values over several builds, with its interval.

    Parameters
    ----------
    x : (m,) or (B, m), numbers or booleans
        Per-query recall, or whether a query passes, of each build.
    cluster : (m,), optional
        User or session of each query; queries of one cluster are not taken as independent.
    bounds
        Smallest and largest possible value. The interval stays inside and, like Wilson's, lets
        the variance follow the assumed mean, so that 0 failures still have an upper bound.
        None for values without bounds, such as times.

    Raises
    ------
    VbenchError
        Empty or non-finite values, values outside the bounds, a cluster of another length.
    """
    check_level(level)
    values = matrix(x, bounds)
    plan = layout(values, cluster)
    parts = variance_parts(plan)
    if bounds is not None:
        ends = bounded_ends(plan, parts, level, bounds)
    elif len(plan.group_means) > 1:
        half = margin(parts, level)
        ends = Interval(plan.mean - half, plan.mean + half)
    else:
        ends = Interval(-math.inf, math.inf)
    return estimate(plan, parts, ends, level)


def crossed_linearized(
    x: ArrayLike, level: float = 0.95, cluster: ArrayLike | None = None
) -> Estimate:
    """A share or mean in [0, 1] that is no mean over queries, with its interval.

    Parameters
    ----------
    x : (B, m)
        Of each query or cluster what it adds to the value of a build, such as jackknife
        pseudo-values: their mean is that value, and they may lie outside [0, 1].
    cluster : (m,), optional
        User or session of each query, where these are of queries.
    """
    check_level(level)
    plan = layout(matrix(x), cluster)
    parts = variance_parts(plan)
    return estimate(plan, parts, bounded_ends(plan, parts, level, UNIT), level)


def crossed_band(curves: ArrayLike, m: int, level: float = 0.95) -> Band:
    """Simultaneous band for a curve of shares, averaged over builds.

    Parameters
    ----------
    curves : float (J,) or (B, J)
        The curve of each build, such as its Robustness at J thresholds.
    m
        Number of queries, the same for every build.

    Returns
    -------
    Band of float64 (J,)
        Half its height is the root of the sum of two squares: of the DKW band of m queries, and
        of the t interval (B − 1 degrees of freedom) of the mean over builds where the builds
        differ most. With one build it is the DKW band.
    """
    check_level(level)
    shares = matrix(curves, UNIT)
    builds = len(shares)
    half = dkw_half_width(m, level)
    if builds > 1:
        drift = float(shares.std(axis=0, ddof=1).max()) / math.sqrt(builds)
        half = math.hypot(half, drift * float(special.stdtrit(builds - 1, (1.0 + level) / 2.0)))
    curve = shares.mean(axis=0)
    return Band(np.clip(curve - half, 0.0, 1.0), np.clip(curve + half, 0.0, 1.0))


def matrix(x: ArrayLike, bounds: tuple[float, float] | None = None) -> FloatArray:
    """Per-query values as float64 (B, m), checked."""
    values = np.atleast_2d(np.asarray(x, dtype=np.float64))
    if values.ndim != 2 or values.size == 0:
        raise VbenchError(
            f"per-query values must have shape (m,) or (builds, m) with m >= 1, got {np.shape(x)}"
        )
    if not np.isfinite(values).all():
        build, query = np.argwhere(~np.isfinite(values))[0]
        raise VbenchError(
            f"the value of query {query} in build {build} is {values[build, query]}: "
            "an interval needs a finite value of every query"
        )
    if bounds is not None and (values.min() < bounds[0] or values.max() > bounds[1]):
        raise VbenchError(
            f"values lie in {values.min():g}…{values.max():g}, outside their bounds "
            f"{bounds[0]:g}…{bounds[1]:g}: give bounds=None for values without bounds"
        )
    return values


def cluster_codes(cluster: ArrayLike, m: int) -> tuple[NDArray[np.intp], int]:
    """Clusters numbered 0…G − 1, and G. Raises VbenchError when they are not `m`."""
    ids = np.asarray(cluster)
    if ids.shape != (m,):
        raise VbenchError(f"cluster must name one of each query: shape ({m},), got {ids.shape}")
    try:
        names, codes = np.unique(ids, return_inverse=True)
    except TypeError:
        kinds = sorted({type(name).__name__ for name in ids.tolist()})
        raise VbenchError(
            f"cluster ids must be of one kind, got {' and '.join(kinds)}: fill in what is missing"
        ) from None
    return codes, len(names)


def layout(x: FloatArray, cluster: ArrayLike | None = None) -> Layout:
    """Mean squares of float64 (B, m); clusters of queries become the queries of the layout."""
    variance = 0.0 if (x == x[0, 0]).all() else float(x.var())
    groups = float(x.shape[1])
    if cluster is not None:
        x, groups = _cluster_totals(x, cluster)
    builds, m = x.shape
    build_means, group_means = x.mean(axis=1), x.mean(axis=0)
    mean = float(build_means.mean())
    of_builds = m * float(np.square(build_means - mean).sum())
    of_queries = builds * float(np.square(group_means - mean).sum())
    centered = (x - mean).ravel()
    # Not `@`: BLAS would start threads for it, and wait long for them on a busy machine.
    total = float(np.einsum("i,i->", centered, centered))
    of_both = max(total - of_builds - of_queries, 0.0)
    return Layout(
        mean=mean,
        build_means=build_means,
        group_means=group_means,
        groups=groups,
        ms_builds=of_builds / (builds - 1) if builds > 1 else 0.0,
        ms_queries=of_queries / (m - 1) if m > 1 else 0.0,
        ms_both=of_both / ((builds - 1) * (m - 1)) if min(builds, m) > 1 else 0.0,
        variance=variance,
    )


def _cluster_totals(x: FloatArray, cluster: ArrayLike) -> tuple[FloatArray, float]:
    """One value a cluster, scaled so that their plain mean and its variance are those of x.

    Linearisation of a ratio: clusters differ in size, and the mean is a total over a total.
    """
    m = x.shape[1]
    codes, number = cluster_codes(cluster, m)
    mean = x.mean()
    totals = np.stack([np.bincount(codes, row - mean, minlength=number) for row in x])
    sizes = np.bincount(codes, minlength=number)
    return totals * (number / m) + mean, m**2 / float(np.square(sizes).sum())


def variance_parts(plan: Layout) -> tuple[Part, ...]:
    """Variance of the mean: the queries' part, and with several builds the builds' part."""
    cells = plan.builds * len(plan.group_means)
    query_df = max(plan.groups - 1.0, 1.0)
    if plan.builds == 1:
        return (Part(plan.ms_queries / cells, query_df),)
    moved = noise_share(plan.ms_queries - plan.ms_both, plan.ms_queries) * plan.ms_both
    queries = max(plan.ms_queries - plan.ms_both, 0.0) + moved
    builds = max(plan.ms_builds - moved, 0.0)
    # Counts of a few failures can agree between builds by chance, and nothing would be left.
    floor = plan.ms_both / plan.builds
    queries = max(queries, floor - builds)
    return Part(queries / cells, query_df), Part(builds / cells, plan.builds - 1.0)


def noise_share(common: float, total: float) -> float:
    """How much of the interaction within the builds' mean square counts as known noise.

    MS_builds holds the interaction as well as drift. Where queries dominate, its few degrees of
    freedom say little about the interaction that its own many do not say better; where the
    interaction dominates, taking it out would leave a part that is near 0 by luck. The
    power of the queries' share keeps coverage between 94 and 98 % for 2 to 8 builds and all
    mixtures.
    """
    return max(common / total, 0.0) ** _NOISE_POWER if total > 0.0 else 0.0


def margin(parts: Sequence[Part], level: float) -> float:
    """Half the width of the interval of a mean with these parts of variance."""
    tail = (1.0 - level) / 2.0
    return math.sqrt(sum(v * float(special.stdtrit(df, tail)) ** 2 for v, df in parts))


def bounded_ends(
    plan: Layout, parts: Sequence[Part], level: float, bounds: tuple[float, float]
) -> Interval:
    """Interval of a mean of bounded values, with a variance that follows the assumed mean.

    With everything scaled to [0, 1], solves (mean − p)² = half² · p(1 − p) / mean(1 − mean):
    Wilson's interval with the effective number of queries that `half` implies.

    Recall is seldom 0, and 200 queries may hold none of those where it is: then their variance
    is too small. As if a quarter of one more query lay at the far end, its share of the variance
    is added, as far as the values are not 0 or 1 only. Where all values are equal, or there is
    one query or cluster, nothing is known about their variance, and the ends are what a share of
    queries too small to be met could do.
    """
    width = bounds[1] - bounds[0]
    if width <= 0.0:
        return Interval(bounds[0], bounds[0])
    mean = min(max((plan.mean - bounds[0]) / width, 0.0), 1.0)
    if plan.variance == 0.0 or mean in UNIT or len(plan.group_means) == 1:
        t2 = float(special.stdtrit(max(plan.groups - 1.0, 1.0), (1.0 + level) / 2.0)) ** 2
        unseen = t2 / (plan.groups + t2)
        low, high = mean * (1.0 - unseen), mean + (1.0 - mean) * unseen
    else:
        binary = min(plan.variance / (width**2 * mean * (1.0 - mean)), 1.0)
        unmet = _UNMET * (1.0 - binary) * (width * max(mean, 1.0 - mean) / plan.groups) ** 2
        met = (Part(parts[0].variance + unmet, parts[0].df), *parts[1:])
        c = (margin(met, level) / width) ** 2 / (mean * (1.0 - mean))
        root = math.sqrt(c**2 + 4.0 * c * mean * (1.0 - mean))
        low = (2.0 * mean + c - root) / (2.0 + 2.0 * c)
        high = (2.0 * mean + c + root) / (2.0 + 2.0 * c)
    return Interval(bounds[0] + width * low, bounds[0] + width * min(high, 1.0))


def estimate(plan: Layout, parts: Sequence[Part], ends: Interval, level: float) -> Estimate:
    """Put an interval together with what the layout says about builds and queries."""
    several, many = plan.builds > 1, len(plan.group_means) > 1
    nan = math.nan
    return Estimate(
        value=plan.mean,
        low=min(ends.low, plan.mean),
        high=max(ends.high, plan.mean),
        spread=float(np.std(plan.build_means, ddof=1)) if several else nan,
        df=equivalent_df(parts, level),
        var_builds=max(plan.ms_builds - plan.ms_both, 0.0) / len(plan.group_means)
        if several
        else nan,
        var_queries=max(plan.ms_queries - plan.ms_both, 0.0) / plan.builds if many else nan,
    )


def equivalent_df(parts: Sequence[Part], level: float) -> float:
    """Degrees of freedom whose t quantile, with the total variance, gives the same margin."""
    total = sum(part.variance for part in parts)
    if total <= 0.0:
        return parts[0].df
    t = margin(parts, level) / math.sqrt(total)
    largest = max(part.df for part in parts)
    return min(float(special.stdtridf((1.0 + level) / 2.0, t)), largest)
