"""Shares of queries over several builds, from how many pass: one count for all thresholds.

What the two-way layout says of a mask over builds and queries depends only on how many queries pass
in each build, and on how many pass in 0, 1, … B builds. Both are looked up in ordered values,
which is some hundred times faster than a layout for each threshold.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vbench.metric import FloatArray
from vbench.stats.crossed import Layout, layout

Rows = TypeVar("Rows", bound=np.generic)


def share_layout(passing: NDArray[np.int64], agreeing: NDArray[np.int64], m: int) -> Layout:
    """The :func:`vbench.stats.crossed.layout` of a mask of builds and independent queries.

    Parameters
    ----------
    passing : int64 (B,)
        How many of the `m` queries pass in each build.
    agreeing : int64 (B,)
        How many pass in more than b builds, b = 0…B − 1.
    """
    builds = len(passing)
    shares = passing / m
    mean = float(shares.mean())
    # Exactly b of the builds pass a query, for b = 0…B.
    exactly = -np.diff(np.concatenate([[m], agreeing, [0]]))
    of_builds = m * float(np.square(shares - mean).sum())
    of_queries = builds * float(exactly @ np.square(np.arange(builds + 1) / builds - mean))
    total = builds * m * mean * (1.0 - mean)
    of_both = max(total - of_builds - of_queries, 0.0)
    return Layout(
        mean=mean,
        build_means=shares,
        group_means=np.broadcast_to(mean, (m,)),
        groups=float(m),
        ms_builds=of_builds / (builds - 1) if builds > 1 else 0.0,
        ms_queries=of_queries / (m - 1) if m > 1 else 0.0,
        ms_both=of_both / ((builds - 1) * (m - 1)) if min(builds, m) > 1 else 0.0,
        variance=mean * (1.0 - mean),
    )


class Shares:
    """Shares of the queries whose value is at most any number, of x (B, m).

    Attributes
    ----------
    x, cluster
        What was given: values of queries, of which those of one cluster are not independent.
    values : float64 (s,)
        The different values of x, ascending.
    rows : float64 (B, m)
        Those of each build, ascending.
    """

    def __init__(self, x: FloatArray, cluster: ArrayLike | None = None) -> None:
        self.x, self.cluster = x, cluster
        self.rows = np.sort(x, axis=1)
        self.values = np.unique(np.concatenate([_different(row) for row in self.rows]))

    @functools.cached_property
    def _agreeing(self) -> FloatArray:
        """The smallest value of each query, the second … the largest: each ascending, (B, m)."""
        return self.rows if len(self.x) == 1 else np.sort(np.stack(sort_builds(self.x)), axis=1)

    def at_most(self, value: float) -> Layout:
        """What the layout says about the mean of ``x <= value``."""
        if self.cluster is not None:
            return layout((self.x <= value).astype(np.float64), self.cluster)
        passing, agreeing = (_count_at_most(rows, value) for rows in (self.rows, self._agreeing))
        return share_layout(passing, agreeing, self.x.shape[1])

    def value_at(self, number: int) -> float:
        """The smallest value that at least so many of all the builds' values are at most."""
        counts = sum(row.searchsorted(self.values, side="right") for row in self.rows)
        return float(self.values[np.searchsorted(counts, number)])


def sort_builds(rows: Iterable[NDArray[Rows]]) -> list[NDArray[Rows]]:
    """Values of some builds, (m,) each, those of each query in ascending order.

    Builds are few and queries many: whole rows are exchanged, in a fortieth of the time of a sort.
    """
    rows = list(rows)
    for last in range(len(rows) - 1, 0, -1):
        for at in range(last):
            pair = rows[at], rows[at + 1]
            rows[at], rows[at + 1] = np.minimum(*pair), np.maximum(*pair)
    return rows


def _different(ordered: FloatArray) -> FloatArray:
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])])


def _count_at_most(rows: FloatArray, value: float) -> NDArray[np.int64]:
    return np.array([row.searchsorted(value, side="right") for row in rows], dtype=np.int64)
