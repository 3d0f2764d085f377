"""The whole robustness curve of a setting at once: every threshold, with intervals and band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray
from vbench.stats import crossed, intervals
from vbench.stats.shares import share_layout, sort_builds

Hits = NDArray[np.integer[Any]]


class Curve(NamedTuple):
    """Robustness at δ = j/K for j = 0…K, each float64 (K + 1,).

    Attributes
    ----------
    value, low, high
        As :class:`vbench.measures.sample.Sample` estimates each Robustness alone.
    band_low, band_high
        A band that holds the whole curve at once.
    persistent, build_dependent
        Share of the queries that miss the threshold in every build, and in some but not all.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    band_low: FloatArray
    band_high: FloatArray
    persistent: FloatArray
    build_dependent: FloatArray


def curve(hits: Hits, k: int, level: float = 0.95) -> Curve:
    """The robustness curve of one setting.

    All thresholds share what is counted once, see :mod:`vbench.stats.shares`.

    Parameters
    ----------
    hits : integer (builds, m), each 0…k
    """
    counts = Counts.of(hits, k)
    m, agreeing = counts.m, counts.agreeing
    band = crossed.crossed_band(counts.passing / m, m, level)
    return Curve(
        *counts.reach(range(k + 1), level),
        band.low,
        band.high,
        persistent=1.0 - agreeing[0] / m,
        build_dependent=(agreeing[0] - agreeing[-1]) / m,
    )


class Reached(NamedTuple):
    """Share of the queries with enough hits, and its interval, at some thresholds."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


class Counts(NamedTuple):
    """How many queries reach each number of hits, which is all that a share over builds needs.

    Attributes
    ----------
    passing : int64 (B, K + 1)
        With at least j hits in build b.
    agreeing : int64 (B, K + 1)
        With at least j hits in more than b builds.
    """

    passing: NDArray[np.int64]
    agreeing: NDArray[np.int64]

    @classmethod
    def of(cls, hits: Hits, k: int) -> Counts:
        """Count the hits of some builds, integer (builds, m)."""
        hits = np.atleast_2d(hits)
        passing = np.stack([at_least(build, k) for build in hits])
        if len(hits) == 1:
            return cls(passing, passing)
        return cls(passing, np.stack([at_least(row, k) for row in sort_builds(hits)[::-1]]))

    @property
    def m(self) -> int:
        """Number of queries."""
        return int(self.passing[0, 0])

    def reach(self, needs: Iterable[int], level: float = 0.95) -> Reached:
        """Share of the queries that have each number of hits, with its interval."""
        wanted = list(needs)
        ends = [
            intervals.wilson(int(self.passing[0, need]), self.m, level)
            if len(self.passing) == 1
            else _crossed(self.passing[:, need], self.agreeing[:, need], self.m, level)
            for need in wanted
        ]
        low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
        return Reached(self.passing[:, wanted].mean(axis=0) / self.m, low, high)


def reached_by(
    hits: Hits, k: int, members: NDArray[np.integer[Any]], groups: int, needs: Iterable[int]
) -> list[Reached]:
    """The curve of each group of the queries, at the thresholds `needs` alone.

    Parameters
    ----------
    hits : integer (builds, m), each 0…k
    members : integer (m,)
        The group of each query, 0…groups − 1.
    """
    wanted = list(needs)

    def count(rows: Sequence[Hits] | Hits) -> NDArray[np.int64]:
        """How many queries of each group have at least j hits: (rows, groups, k + 1)."""
        start = members * (k + 1)
        size = groups * (k + 1)
        found = np.stack([np.bincount(start + row, minlength=size) for row in rows])
        return found.reshape(-1, groups, k + 1)[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]

    passing = agreeing = count(hits)
    if len(hits) > 1:
        agreeing = count(sort_builds(hits)[::-1])
    return [Counts(passing[:, group], agreeing[:, group]).reach(wanted) for group in range(groups)]


def at_least(hits: Hits, k: int) -> NDArray[np.int64]:
    """How many of the queries have at least j hits, for j = 0…k: int64 (k + 1,)."""
    return np.bincount(hits, minlength=k + 1)[::-1].cumsum()[::-1]


def _crossed(
    passing: NDArray[np.int64], agreeing: NDArray[np.int64], m: int, level: float
) -> tuple[float, float]:
    """Ends of :func:`vbench.stats.crossed.crossed_mean` of booleans, from their counts."""
    plan = share_layout(passing, agreeing, m)
    ends = crossed.bounded_ends(plan, crossed.variance_parts(plan), level, crossed.UNIT)
    return min(ends.low, plan.mean), max(ends.high, plan.mean)
