"""Whether worse search ranks better: ranking quality by mean recall, over all that was ranked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vbench._document import Interval
from vbench.metric import FloatArray
from vbench.stats.crossed import crossed_mean


class Point(NamedTuple):
    """A setting on the line.

    Attributes
    ----------
    recall : its mean recall
    quality : float64 (B, mj)
        Ranking quality of every query, such as nDCG@10, with each of its builds.
    builds : (B,), their numbers
    """

    recall: float
    quality: FloatArray
    builds: Sequence[int]


def estimate_trend(exact: FloatArray, settings: Sequence[Point]) -> Interval:
    """Ranking quality gained by mean recall: the slope of the least-squares line.

    The line goes through exact search, whose recall is 1, and all settings. Its slope is a
    weighted sum of their qualities: paired by query, with a 95 % interval over queries and over
    the builds that all settings have; where there are none, over queries alone.

    Parameters
    ----------
    exact : float64 (mj,)

    Returns
    -------
    Interval
        Quality for a recall that is higher by 1. Without a value where all have the same recall,
        without ends where one query is judged.
    """
    recall = np.array([1.0, *(each.recall for each in settings)])
    apart = recall - recall.mean()
    spread = float(apart @ apart)
    if spread == 0.0:
        return Interval(None)
    shared = sorted(set.intersection(*({*each.builds} for each in settings)))
    slope = exact * apart[0]
    for each, weight in zip(settings, apart[1:], strict=True):
        rows = [each.builds.index(number) for number in shared]
        slope = slope + weight * (each.quality[rows] if shared else each.quality.mean(axis=0))
    found = crossed_mean(slope / spread, bounds=None)
    ends = (found.low, found.high) if math.isfinite(found.low) else ()
    return Interval(found.value, *ends)
