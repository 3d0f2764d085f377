"""Estimates of several masks as one: the mask is a source of chance of its own.

Queries and builds are the same under each mask, so what they leave to chance does not average out
over masks: the mean of the masks' intervals covers it. What the masks add is covered by Student's
interval of their mean. Both are joined in squares (MOVER: Zou and Donner 2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vbench.stats.intervals import Interval, student


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
