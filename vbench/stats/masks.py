"""Estimates of several masks as one: the mask is a source of chance of its own.

Queries and builds are the same under each mask, so what they leave to chance does not average out
over masks: the mean of the masks' intervals covers it. What the masks add is covered by Student's
interval of their mean. Both are joined in squares (MOVER: Zou and Donner 2008).

In the difference of two indexes that were asked under the same masks, what a mask does to both is
no chance. Of means over queries, the values of a query are averaged over masks first, so that what
only one mask makes of a query does average out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vbench.metric import FloatArray
from vbench.stats.crossed import Part, layout, noise_share
from vbench.stats.intervals import Interval, student
from vbench.stats.paired import Difference, compare_means, difference_of


class OverMasks(NamedTuple):
    """A measure over several masks.

    Attributes
    ----------
    value
        Mean over masks.
    low, high
        Ends of the interval, over masks too where there are several; None without one.
    spread
        Standard deviation over masks; None with one mask.
    """

    value: float
    low: float | None
    high: float | None
    spread: float | None


def join_masks(
    values: Sequence[float],
    ends: Sequence[tuple[float | None, float | None]],
    level: float = 0.95,
    *,
    bounds: tuple[float, float] | None = None,
) -> OverMasks:
    """The mean over masks with its interval.

    Parameters
    ----------
    values
        The measure under each mask.
    ends
        Interval of each, over queries and builds.
    bounds
        Smallest and largest possible value.
    """
    value = float(np.mean(values))
    several = len(values) > 1
    spread = float(np.std(values, ddof=1)) if several else None
    if any(end is None for pair in ends for end in pair):
        return OverMasks(value, None, None, spread)
    low, high = (float(np.mean([pair[side] for pair in ends])) for side in (0, 1))
    over = student(values, level) if several else Interval(value, value)
    low = value - math.hypot(value - low, value - over.low)
    high = value + math.hypot(high - value, over.high - value)
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return OverMasks(value, low, high, spread)


def compare_over_masks(
    baseline: FloatArray,
    candidate: FloatArray,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    same_builds: bool = False,
) -> Difference:
    """Difference of two means over masks, builds and queries.

    Parameters
    ----------
    baseline, candidate : float64 (S, B, m), each with its own B
        Values in [0, 1] of the same queries under the same S masks.
    cluster, same_builds
        As for :func:`vbench.stats.paired.compare_means`.
    """
    found = compare_means(
        baseline.mean(axis=0), candidate.mean(axis=0), level, cluster, same_builds=same_builds
    )
    plan = layout(candidate.mean(axis=1) - baseline.mean(axis=1), cluster)
    # As the builds' mean square is freed from noise in `crossed.variance_parts`.
    noise = noise_share(plan.ms_queries - plan.ms_both, plan.ms_queries) * plan.ms_both
    cells = plan.builds * len(plan.group_means)
    of_masks = Part(max(plan.ms_builds - noise, 0.0) / cells, plan.builds - 1.0)
    return _with_masks(found.value, found.parts[:1], of_masks, found.parts[1:], found, level, 1.0)


def join_differences(
    found: Sequence[Difference], level: float = 0.95, width: float = 1.0
) -> Difference:
    """The mean of the differences under several masks, of what is no mean over queries.

    What queries and builds leave to chance is taken to be the same under each mask.

    Parameters
    ----------
    width
        The largest difference that is possible.
    """
    masks = len(found)
    value = float(np.mean([each.value for each in found]))
    if any(not each.parts for each in found):
        inf = math.inf
        return found[0]._replace(value=value, low=-inf, high=inf, p=math.nan, parts=())
    apart = float(np.var([each.value for each in found], ddof=1))
    queries, builds = (
        [Part(part.variance / masks, part.df) for each in found for part in each.parts[some]]
        for some in (slice(0, 1), slice(1, None))
    )
    of_masks = Part(apart / masks, masks - 1.0)
    return _with_masks(value, queries, of_masks, builds, found[0], level, width)


def _with_masks(
    value: float,
    queries: Sequence[Part],
    masks: Part,
    builds: Sequence[Part],
    like: Difference,
    level: float,
    width: float,
) -> Difference:
    parts = (*queries, masks, *builds)
    found = difference_of(value, parts, level, like.claim, width)
    return found._replace(kept=len(queries) + 1)
