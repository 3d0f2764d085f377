"""From what a worker returned to what a trial's file holds: hits, ratio, counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.answers import repeated
from vbench.measures.hits import Rule, count_hits, truth_reach
from vbench.metric import FloatArray, distance

_BLOCK_VALUES = 1 << 20


class Score(NamedTuple):
    """Scored answers of one trial. `ties` counts the queries whose k-th neighbor is tied."""

    hits: NDArray[np.int32]
    ratio: FloatArray
    duplicates: int
    pads: int
    ties: int


class Scorer:
    """Scores trials of one dataset against its ground truth."""

    def __init__(self, dataset: Dataset, ground_truth: GroundTruth, rule: Rule) -> None:
        self.dataset = dataset
        self.ground_truth = ground_truth
        self.rule = rule
        self._lift = _Lift.of(dataset) if dataset.metric == "ip" else None

    def score(self, ids: NDArray[np.integer[Any]]) -> Score:
        """Score ids (m, k), -1 pads."""
        k = ids.shape[1]
        truth, metric = self.ground_truth, self.dataset.metric
        hits = count_hits(ids, truth.ids, truth.distances, k, metric, self.rule, self._distances_of)
        again = repeated(ids)
        tied = truth_reach(truth.distances, k, metric, "exact-tie") > k
        return Score(
            hits=hits,
            ratio=self._ratio(ids, again),
            duplicates=int(again.sum()),
            pads=int((ids < 0).sum()),
            ties=int(tied.sum()),
        )

    def _distances_of(self, rows: NDArray[np.intp], ids: NDArray[np.integer[Any]]) -> FloatArray:
        """float64 distances of pairs (query row, base id), from the stored vectors."""
        out = np.empty(len(rows), dtype=np.float64)
        step = max(1, _BLOCK_VALUES // self.dataset.d)
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            out[part] = distance(
                self.dataset.queries[rows[part]], self.dataset.base[ids[part]], self.dataset.metric
            )
        return out

    def _ratio(self, ids: NDArray[np.integer[Any]], again: NDArray[np.bool_]) -> FloatArray:
        """Σ true / Σ returned distance of each query; see :class:`vbench.measures.order.Ratio`."""
        m, k = ids.shape
        counted = (ids >= 0) & ~again
        given = self._distances(ids, counted)
        true = self.ground_truth.distances[:, :k]
        if self._lift is not None:
            rows = np.arange(m)
            given = self._lift.euclidean(rows, given)
            true = self._lift.euclidean(rows, true)
        returned = counted.sum(axis=1)
        nearest = np.where(np.arange(k) < returned[:, np.newaxis], true, 0.0).sum(axis=1)
        total = np.where(counted, given, 0.0).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(total > 0, nearest / total, 1.0)
        return np.asarray(np.minimum(quotient, 1.0) * returned / k)

    def _distances(self, ids: NDArray[np.integer[Any]], wanted: NDArray[np.bool_]) -> FloatArray:
        """Distances (m, k) of the wanted entries: the ground truth's where it holds the id."""
        k = ids.shape[1]
        truth = self.ground_truth
        out = np.zeros(ids.shape, dtype=np.float64)
        known = np.zeros(ids.shape, dtype=bool)
        # Most answers are the exact list, in order: compare place by place before searching.
        in_place = ids == truth.ids[:, :k]
        out[in_place] = truth.distances[:, :k][in_place]
        known |= in_place
        rows, places = np.nonzero(wanted & ~known)
        out[rows, places] = self._distances_of(rows, ids[rows, places])
        return out


class _Lift(NamedTuple):
    """Inner product made Euclidean: d² = ‖q‖² + M² − 2 q·x, M the largest norm of the base."""

    query_squares: FloatArray
    largest_square: float

    @classmethod
    def of(cls, dataset: Dataset) -> _Lift:
        largest = 0.0
        step = max(1, _BLOCK_VALUES // dataset.d)
        for start in range(0, dataset.n, step):
            block = np.asarray(dataset.base[start : start + step], dtype=np.float64)
            largest = max(largest, float(np.einsum("nd,nd->n", block, block).max()))
        queries = np.asarray(dataset.queries, dtype=np.float64)
        return cls(np.einsum("md,md->m", queries, queries), largest)

    def euclidean(self, rows: NDArray[np.intp], distances: FloatArray) -> FloatArray:
        """Euclidean distances (m, k) of minus inner products (m, k)."""
        squares = self.query_squares[rows, np.newaxis] + self.largest_square + 2 * distances
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
