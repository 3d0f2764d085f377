"""The whole robustness curve of a setting at once: every threshold, with intervals and band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray
from vbench.stats import crossed, intervals

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

    A share over crossed builds and queries depends only on how many queries pass in each build
    and on how many pass in 0, 1, … B builds. Both are counted once for all thresholds, which is
    some hundred times faster than one estimate for each of them.

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


def sort_builds(hits: Hits) -> list[Hits]:
    """Hits (builds, m), those of each query in ascending order.

    Builds are few and queries many: whole rows are exchanged, in a fortieth of the time of a sort.
    """
    rows = list(hits)
    for last in range(len(rows) - 1, 0, -1):
        for at in range(last):
            pair = rows[at], rows[at + 1]
            rows[at], rows[at + 1] = np.minimum(*pair), np.maximum(*pair)
    return rows


def at_least(hits: Hits, k: int) -> NDArray[np.int64]:
    """How many of the queries have at least j hits, for j = 0…k: int64 (k + 1,)."""
    return np.bincount(hits, minlength=k + 1)[::-1].cumsum()[::-1]


def _crossed(
    passing: NDArray[np.int64], agreeing: NDArray[np.int64], m: int, level: float
) -> tuple[float, float]:
    """Ends of :func:`vbench.stats.crossed.crossed_mean` of booleans, from their counts."""
    builds = len(passing)
    shares = passing / m
    mean = float(shares.mean())
    # Exactly b of the builds pass a query, for b = 0…B.
    exactly = -np.diff(np.concatenate([[m], agreeing, [0]]))
    of_builds = m * float(np.square(shares - mean).sum())
    of_queries = builds * float(exactly @ np.square(np.arange(builds + 1) / builds - mean))
    total = builds * m * mean * (1.0 - mean)
    of_both = max(total - of_builds - of_queries, 0.0)
    plan = crossed.Layout(
        mean=mean,
        build_means=shares,
        group_means=np.broadcast_to(mean, (m,)),
        groups=float(m),
        ms_builds=of_builds / (builds - 1),
        ms_queries=of_queries / max(m - 1, 1),
        ms_both=of_both / ((builds - 1) * max(m - 1, 1)),
        variance=mean * (1.0 - mean),
    )
    ends = crossed.bounded_ends(plan, crossed.variance_parts(plan), level, crossed.UNIT)
    return min(ends.low, mean), max(ends.high, mean)
