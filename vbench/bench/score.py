"""From what a worker returned to what a trial's file holds: hits, ratio, counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.answers import repeated
from vbench.measures.hits import Rule, count_hits, truth_reach
from vbench.metric import FloatArray
from vbench.neighbors.euclidean import euclidean, largest_norm
from vbench.neighbors.space import pair_distances


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
        self._largest_norm = largest_norm(dataset.base) if dataset.metric == "ip" else 0.0

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
        data = self.dataset
        return pair_distances(data.queries, data.base, rows, ids, data.metric)

    def _ratio(self, ids: NDArray[np.integer[Any]], again: NDArray[np.bool_]) -> FloatArray:
        """Σ true / Σ returned distance of each query; see :class:`vbench.measures.order.Ratio`."""
        k = ids.shape[1]
        counted = (ids >= 0) & ~again
        given = self._distances(ids, counted)
        true = self.ground_truth.distances[:, :k]
        if self.dataset.metric == "ip":
            given, true = (
                euclidean(each, self.dataset.queries, "ip", self._largest_norm)
                for each in (given, true)
            )
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
