"""One index against another: the same queries, builds of its own each.

The difference of two means over builds has three sources of chance: the queries, which both
share, and the builds of either. Its variance is put together as in :mod:`vbench.stats.crossed`,
each part with its own degrees of freedom. Tests that treat one build as the index call identical
configurations different in half of all pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.crossed import (
    UNIT,
    Layout,
    Part,
    cluster_codes,
    equivalent_df,
    layout,
    margin,
    matrix,
    noise_share,
)
from vbench.stats.exact import sign_flip
from vbench.stats.intervals import Interval, check_level
from vbench.stats.shares import Shares
from vbench.stats.tail import crossed_percentile, cvar_of_builds, percentile_ends

Claim = Literal["indexes differ", "builds differ"]

POWER = 0.8
"""Of the smallest difference that the design would have found."""
# Chosen by simulation: docs/statistics.md, "One index against another".
_ADDED = 2.0
"""Queries that are added which differ (Bonett and Price 2012): at 0, four would do for p < 0.05."""
_OWN = 0.5
"""Of what the sides differ in builds, the part that keeps each side's own degrees of freedom.

With 0, the interval of 2 builds against 8 holds the truth in 89 %, so in 93 to 99 %."""
_SHARPER = 0.5
"""Builds are paired where that narrows the interval to this, as luck alone seldom does; of two
builds it does too often."""
_OVERSTATED = 0.6
"""Share of designs that overstate their minimum detectable difference: of half, two builds find
it in 70 % of cases instead of 80 %, and skewed ones less often."""
_SMALLEST_P = 1e-12


class Difference(NamedTuple):
    """Candidate minus baseline.

    Attributes
    ----------
    value, low, high
        The difference of the means over builds, and its interval.
    p
        Two-sided; of one comparison, so put several through :func:`vbench.stats.exact.holm`.
        NaN where one build of each leaves nothing to test.
    claim
        What a small p says: with two or more builds of each, that the indexes differ; else only
        that these builds do.
    df
        Degrees of freedom of the t quantile that the interval used.
    parts
        Its variance, by where it comes from; empty where nothing is known of it.
    kept
        How many of the parts, the first ones, more builds would leave as they are.
    """

    value: float
    low: float
    high: float
    p: float
    claim: Claim
    df: float
    parts: tuple[Part, ...]
    kept: int = 1

    def with_more_builds(self, builds: Sequence[int], times: int = 2) -> Difference:
        """The same, had each side so many times the builds; `builds` are those that it has."""
        fewest = min(builds)
        if fewest < 2:
            return self
        grown = (times * fewest - 1.0) / (fewest - 1.0)
        kept, rest = self.parts[: self.kept], self.parts[self.kept :]
        grown_parts = (Part(part.variance / times, part.df * grown) for part in rest)
        return self._replace(parts=(*kept, *grown_parts))

    def detectable(self, level: float = 0.95) -> float:
        """The smallest difference that this design finds in 80 % of cases, tested at `level`.

        The variance is estimated, and by a few builds not well, so the difference follows from
        the noncentral t distribution; three of five designs do not understate it. `level` is 1 less
        the largest p that is called different, of several tests that of
        :func:`vbench.stats.exact.holm_levels`.
        """
        variance = sum(part.variance for part in self.parts)
        if variance <= 0.0:
            return 0.0 if self.parts else math.inf
        half = margin(self.parts, level)
        shares = [
            (v * float(special.stdtrit(df, (1.0 - level) / 2.0)) ** 2, df) for v, df in self.parts
        ]
        df = half**4 / sum(share**2 / df for share, df in shares)
        small = math.sqrt(float(special.chdtri(df, _OVERSTATED)) / df)
        units = float(special.nctdtrinc(df, 1.0 - POWER, half / math.sqrt(variance)))
        return units * math.sqrt(variance) / small


def compare_means(
    baseline: ArrayLike,
    candidate: ArrayLike,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] | None = UNIT,
    seed: int = 0,
    same_builds: bool = False,
) -> Difference:
    """Difference of two means over queries and builds.

    Parameters
    ----------
    baseline, candidate : (m,) or (B, m), each with its own B
        Values of the same queries in the same order: recall, or whether the query passes.
    cluster : (m,), optional
        User or session of each query.
    bounds
        Smallest and largest possible value, or None.
    seed
        Of the sign flips, which are used with one build of each; where the values are 0 and 1
        the test is McNemar's and exact.
    same_builds
        Build b of both sides had the same seed and insertion order, as two versions of a library
        have under one plan. What this makes alike is then no chance: where the differences build
        by build halve the interval, in spite of their fewer degrees of freedom,
        they are what is tested, from three builds on.

    Raises
    ------
    VbenchError
        Different numbers of queries, or what :func:`vbench.stats.crossed.crossed_mean` refuses.
    """
    check_level(level)
    a, b = _pair(baseline, candidate, bounds)
    width = math.inf if bounds is None else bounds[1] - bounds[0]
    found = _compare(a, b, level, cluster, width, same_builds)
    if len(a) == len(b) == 1:
        by_query = b[0] - a[0]
        if cluster is not None:
            codes, number = cluster_codes(cluster, len(by_query))
            by_query = np.bincount(codes, by_query, minlength=number)
        found = found._replace(p=sign_flip(by_query, seed=seed))
    return found


def compare_linearized(
    baseline: ArrayLike,
    candidate: ArrayLike,
    level: float = 0.95,
    *,
    same_builds: bool = False,
) -> Difference:
    """Difference of two shares, or means in [0, 1], that are no means over queries.

    Parameters
    ----------
    baseline, candidate : (B, m), each with its own B
        Of the same queries, as :func:`vbench.stats.crossed.crossed_linearized` takes them.
    same_builds
        As for :func:`compare_means`.
    """
    check_level(level)
    return _compare(*_pair(baseline, candidate, None), level, None, 1.0, same_builds)


def _compare(
    a: FloatArray,
    b: FloatArray,
    level: float,
    cluster: ArrayLike | None,
    width: float,
    same_builds: bool,
) -> Difference:
    """Difference of two means, at most `width`, over queries and builds."""
    of_a, of_b = layout(a, cluster), layout(b, cluster)
    parts = _parts(of_a, of_b, width)
    if same_builds and len(a) == len(b) > 2:
        paired = _parts_of(layout(b - a, cluster), width)
        if margin(paired, level) < _SHARPER * margin(parts, level):
            parts = paired
    return difference_of(of_b.mean - of_a.mean, parts, level, claim_of(len(a), len(b)), width)


def compare_cvar(
    baseline: ArrayLike,
    candidate: ArrayLike,
    alpha: float,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
) -> Difference:
    """Difference of the mean recall of the worst ⌈αm⌉ queries.

    The variance is that of the shortfall of either side under its own α-quantile. Under one
    threshold for both, the higher, the better side's quantile would count queries of the worse
    one that are in no tail, and the noise of their number would hide all but the largest losses.
    """
    check_level(level)
    a, b = _pair(baseline, candidate, UNIT)
    means, plans = [], []
    for x in (a, b):
        values, edge = cvar_of_builds(Shares(x), alpha)
        plan = layout(np.minimum(x - edge, 0.0) / alpha, cluster)
        # The tail of a good build may lie above the quantile of all, where no shortfall counts.
        of_builds = len(plan.group_means) * float(values.var(ddof=1)) if len(x) > 1 else 0.0
        plans.append(plan._replace(ms_builds=max(plan.ms_builds, of_builds)))
        means.append(float(values.mean()))
    parts = _parts(plans[0], plans[1], 1.0 / alpha)
    return difference_of(means[1] - means[0], parts, level, claim_of(len(a), len(b)), 1.0)


def compare_percentiles(
    baseline: ArrayLike,
    candidate: ArrayLike,
    p: float,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    bounds: tuple[float, float] = UNIT,
) -> Difference:
    """Difference of the lower p-th percentiles.

    The interval joins those of both sides (MOVER: Zou and Donner 2008) and does not use that the
    queries are shared, so it is rather too wide; p is the level at which it would reach 0.
    """
    check_level(level)
    sides = _pair(baseline, candidate, bounds)
    shares = [Shares(x, cluster) for x in sides]
    of_a, of_b = (crossed_percentile(x, p, level, bounds=bounds) for x in shares)
    ends_a, ends_b = (percentile_ends(x, p, bounds=bounds) for x in shares)
    value = of_b.value - of_a.value

    def join_ends(at: float) -> Interval:
        a, b = ends_a(at), ends_b(at)
        down = math.hypot(max(of_b.value - b.low, 0.0), max(a.high - of_a.value, 0.0))
        up = math.hypot(max(b.high - of_b.value, 0.0), max(of_a.value - a.low, 0.0))
        return Interval(value - down, value + up)

    def reaches_zero(tail: float) -> bool:
        low, high = join_ends(1.0 - tail)
        return low <= 0.0 <= high

    low, high = join_ends(level)
    df = min(of_a.df, of_b.df)
    quantile = float(special.stdtrit(df, (1.0 + level) / 2.0))
    return Difference(
        value,
        low,
        high,
        1.0 if value == 0.0 else _tail_where(reaches_zero, 12),
        claim_of(*map(len, sides)),
        df,
        (Part((max(value - low, high - value) / quantile) ** 2, df),),
    )


def compare_builds(baseline: ArrayLike, candidate: ArrayLike, level: float = 0.95) -> Difference:
    """Difference of a number that each build has once, such as build time or queries a second.

    Parameters
    ----------
    baseline, candidate : (B,), each with its own B
        With one build on either side nothing is known about its chance: p is NaN and the
        interval has no ends.
    """
    check_level(level)
    a, b = (matrix(np.ravel(values), None)[0] for values in (baseline, candidate))
    value = float(b.mean() - a.mean())
    if min(len(a), len(b)) < 2:
        inf = math.inf
        return Difference(value, -inf, inf, math.nan, "builds differ", math.nan, ())
    parts = [Part(float(x.var(ddof=1)) / len(x), len(x) - 1.0) for x in (a, b)]
    return difference_of(value, of_builds(parts), level, claim_of(len(a), len(b)), math.inf)


def _pair(
    baseline: ArrayLike, candidate: ArrayLike, bounds: tuple[float, float] | None
) -> tuple[FloatArray, FloatArray]:
    a, b = matrix(baseline, bounds), matrix(candidate, bounds)
    if a.shape[1] != b.shape[1]:
        raise VbenchError(
            f"the baseline has {a.shape[1]} queries and the candidate {b.shape[1]}: "
            "compare answers to the same queries"
        )
    return a, b


def _parts(of_a: Layout, of_b: Layout, largest: float) -> list[Part]:
    """Variance of the difference: of the queries, and of the builds of each side."""
    return _sources(of_b.group_means - of_a.group_means, (of_a, of_b), of_a.groups, largest)


def _parts_of(differences: Layout, largest: float) -> list[Part]:
    """The same, of the differences of builds that belong together."""
    return _sources(differences.group_means, (differences,), differences.groups, largest)


def _sources(
    differences: FloatArray, layouts: Sequence[Layout], groups: float, largest: float
) -> list[Part]:
    """What is left to chance in the mean of differences by query, and by the builds of `layouts`.

    Two queries are added that differ as much as those do that differ at all, one in favor of
    each side (Bonett and Price 2012, for shares). Without them four queries on one side and none
    on the other would do for p < 0.05, and no difference at all would be certain.
    """
    n = len(differences)
    square = float(np.square(differences - differences.mean()).sum())
    differing = int((np.abs(differences) > 1e-12).sum())
    if differing:
        usual = float(np.square(differences).sum()) / differing
    else:
        usual = largest**2 if math.isfinite(largest) else 0.0
    queries = (square + _ADDED * usual) / (n + 1) / n

    sides = [side for side in layouts if side.builds > 1]
    noise = [side.ms_both / (side.builds * n) for side in sides]
    common = queries - sum(noise)
    known = noise_share(common, queries)
    parts = [Part(max(common, 0.0) + known * sum(noise), max(groups - 1.0, 1.0))]
    shifts = [
        Part(max(side.ms_builds / (side.builds * n) - known * both, 0.0), side.builds - 1.0)
        for side, both in zip(sides, noise, strict=True)
    ]
    if shifts:
        parts += of_builds(shifts)
    floor = sum(both / side.builds for side, both in zip(sides, noise, strict=True))
    missing = floor - sum(part.variance for part in parts)
    return [parts[0]._replace(variance=parts[0].variance + max(missing, 0.0)), *parts[1:]]


def of_builds(sides: Sequence[Part]) -> list[Part]:
    """The builds of two indexes as sources of chance.

    Welch's degrees of freedom hold where both sides have as many builds. With 2 builds against 8,
    of which the 2 differ more, their variance is often small by luck, and then so few of the
    degrees of freedom seem theirs that one in ten intervals misses. So half of what the sides
    differ in builds, as a share of them, keeps each side's own degrees of freedom (Cochran 1964).
    """
    variance = sum(side.variance for side in sides)
    degrees = [side.df for side in sides]
    if variance <= 0.0:
        return [Part(0.0, sum(degrees))]
    welch = variance**2 / sum(side.variance**2 / side.df for side in sides)
    own = _OWN * (max(degrees) - min(degrees)) / sum(degrees) if len(sides) > 1 else 0.0
    return [
        Part((1.0 - own) * variance, welch),
        *(Part(own * side.variance, side.df) for side in sides if own > 0.0),
    ]


def difference_of(
    value: float, parts: Sequence[Part], level: float, claim: Claim, width: float
) -> Difference:
    """A difference with these parts of variance; `width` is the largest that is possible."""
    half = margin(parts, level)
    return Difference(
        value=value,
        low=max(value - half, -width),
        high=min(value + half, width),
        p=_tail_where(lambda tail: margin(parts, 1.0 - tail) >= abs(value)),
        claim=claim,
        df=equivalent_df(parts, level),
        parts=tuple(parts),
    )


def claim_of(builds_a: int, builds_b: int) -> Claim:
    """What a small p says of so many builds of each."""
    return "indexes differ" if min(builds_a, builds_b) > 1 else "builds differ"


def _tail_where(holds: Callable[[float], bool], steps: int = 40) -> float:
    """The largest two-sided tail for which `holds`, which holds for every smaller one."""
    if holds(1.0 - 1e-9):
        return 1.0
    low, high = math.log(_SMALLEST_P), 0.0
    for _ in range(steps):
        middle = (low + high) / 2.0
        low, high = (middle, high) if holds(math.exp(middle)) else (low, middle)
    return math.exp(low)
