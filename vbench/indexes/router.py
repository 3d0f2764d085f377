"""Which queries an index serves badly, told from its answers alone: a score that is learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

COORDINATES = 64
"""Of longer queries so many random projections are looked at instead."""
_BINS = 32
_ROUNDS = 80
_DEPTH = 3
_INNER = (1 << _DEPTH) - 1
_RATE = 0.15
_RIDGE = 5.0
_ROWS = 8_000
"""Answers that are learned from, at most: more take time and teach little."""


def signs(queries: NDArray[np.floating[Any]], distances: FloatArray) -> FloatArray:
    """What a query and its answer show of how good the answer is: float64 (m, signs).

    The length of the query and its coordinates; gaps and ratios of the distances of the answer.

    Parameters
    ----------
    queries : (m, d)
    distances : float64 (m, k)
        To the vectors that were returned, ascending; inf where none was.
    """
    k = distances.shape[1]
    wide = queries.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    if wide.shape[1] > COORDINATES:
        shape = (wide.shape[1], COORDINATES)
        wide = wide @ np.random.default_rng(0).standard_normal(shape)
    found = np.isfinite(distances)
    known = np.where(found, distances, np.nan)
    places = sorted({0, k // 8, k // 4, k // 2, 3 * k // 4, k - 1})
    with np.errstate(invalid="ignore", divide="ignore"):
        nearest = np.abs(known[:, :1])
        columns = [
            norms[:, np.newaxis],
            found.sum(axis=1, keepdims=True),
            known[:, places],
            known[:, [0, k - 1]] / norms[:, np.newaxis],
            (known[:, places] - known[:, :1]) / nearest,
        ]
        if k > 2:
            behind = known[:, 1:] - known[:, :1]
            gaps = np.diff(known, axis=1) / behind[:, -1:]
            # Of the form of the local intrinsic dimension.
            slope = np.log(behind / behind[:, -1:]).mean(axis=1, keepdims=True)
            columns += [gaps[:, [0, -1]], gaps.max(axis=1, keepdims=True), slope]
        table = np.hstack([*columns, wide])
    # What is not known is sorted behind everything.
    return np.where(np.isnan(table), np.inf, table)


class Router(NamedTuple):
    """Boosted trees that tell which queries have a bad answer.

    Gradient boosting of the logistic loss by trees over binned columns (Friedman 2001; Ke et al.
    2017), small enough to need no library.

    Attributes
    ----------
    start
        The logit before any tree.
    columns, limits : (trees, nodes)
        Which column each node looks at, and what goes to its right: more than the limit.
    values : float64 (trees, leaves)
    """

    start: float
    columns: NDArray[np.intp]
    limits: FloatArray
    values: FloatArray

    @classmethod
    def learn(cls, table: FloatArray, bad: NDArray[np.bool_], seed: int = 0) -> Router:
        """Learn from what answers show (m, signs) and whether each is bad (m,)."""
        rng = np.random.default_rng(seed)
        if len(bad) > _ROWS:
            rows = rng.choice(len(bad), _ROWS, replace=False)
            table, bad = table[rows], bad[rows]
        share = float(np.clip(bad.mean(), 1e-6, 1 - 1e-6)) if len(bad) else 0.5
        start = float(np.log(share / (1 - share)))
        grown: list[tuple[NDArray[np.intp], FloatArray, FloatArray]] = []
        if 0 < bad.sum() < len(bad):
            edges = _edges(table)
            bins = np.stack([np.searchsorted(*pair) for pair in zip(edges, table.T, strict=True)])
            margin = np.full(len(bad), start)
            for _ in range(_ROUNDS):
                chance = 1 / (1 + np.exp(-margin))
                # Of other columns each, which is quicker and errs less alike.
                looked_at = np.sort(rng.permutation(len(bins))[: -(-len(bins) // 2)])
                columns, cuts, leaf = _grow(bins, looked_at, bad - chance, chance * (1 - chance))
                sums, bends = (
                    np.bincount(leaf, each, minlength=_INNER + 1)
                    for each in (bad - chance, chance * (1 - chance))
                )
                values = _RATE * sums / (bends + _RIDGE)
                margin += values[leaf]
                grown.append((columns, edges[columns, cuts], values))
        if not grown:
            nothing = np.empty((0, _INNER))
            return cls(start, nothing.astype(np.intp), nothing, np.empty((0, _INNER + 1)))
        return cls(start, *(np.stack(each) for each in zip(*grown, strict=True)))

    def score(self, table: FloatArray) -> FloatArray:
        """How likely each answer (m, signs) is bad, as a logit: (m,)."""
        rows, trees = np.arange(len(table))[:, np.newaxis], np.arange(len(self.values))
        node = np.zeros((len(table), len(trees)), dtype=np.intp)
        for _ in range(_DEPTH):
            seen = table[rows, self.columns[trees, node]]
            node = 2 * node + 1 + (seen > self.limits[trees, node])
        return np.asarray(self.start + self.values[trees, node - _INNER].sum(axis=1))


def _edges(table: FloatArray) -> FloatArray:
    """Quantiles of each column, the last infinite: (signs, bins)."""
    grid = np.linspace(0, 1, _BINS + 1)[1:]
    edges = np.quantile(table, grid, axis=0, method="lower").T.copy()
    edges[:, -1] = np.inf
    return edges


def _grow(
    bins: NDArray[np.intp], looked_at: NDArray[np.intp], slope: FloatArray, bend: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Column and cut of each node, chosen where the loss falls most; the leaf of each row."""
    columns = np.full(_INNER, looked_at[0])
    cuts = np.full(_INNER, _BINS - 1)
    some, rows = bins[looked_at], np.arange(bins.shape[1])
    column = np.arange(len(some))[:, np.newaxis]
    node = np.zeros(len(rows), dtype=np.intp)
    for level in range(_DEPTH):
        first, count = (1 << level) - 1, 1 << level
        place = (((node - first) * len(some) + column) * _BINS + some).ravel()
        shape = (count, len(some), _BINS)
        left = [
            np.bincount(place, np.tile(each, len(some)), minlength=np.prod(shape))
            .reshape(shape)
            .cumsum(axis=2)
            for each in (slope, bend)
        ]
        whole = [each[:, :, -1:] for each in left]
        right = [all_ - each for all_, each in zip(whole, left, strict=True)]
        falls = [sums**2 / (bends + _RIDGE) for sums, bends in (left, right)]
        gain = (falls[0] + falls[1]).reshape(count, -1)
        best = gain.argmax(axis=1)
        nodes = np.arange(first, first + count)
        columns[nodes], cuts[nodes] = looked_at[best // _BINS], best % _BINS
        node = 2 * node + 1 + (bins[columns[node], rows] > cuts[node])
    return columns, cuts, node - _INNER
