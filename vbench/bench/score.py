"""From what a worker returned to what a trial's file holds: hits, places, ratio, counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.answers import repeated
from vbench.measures.hits import Rule, relevant
from vbench.measures.places import Places, find_places, list_places, weigh
from vbench.metric import FloatArray, tie_limit
from vbench.neighbors.euclidean import euclidean, largest_norm, square_norms
from vbench.neighbors.space import pair_distances

_NOTHING = 1e-7
"""Relative to the lengths, what the square root makes of a difference of roundings."""


class Score(NamedTuple):
    """Scored answers of one trial.

    Attributes
    ----------
    hits : int32 (m,)
    ratio : float64 (m,)
    duplicates, pads
        Repeated ids; missing ones.
    ties
        Queries whose k-th neighbor is tied.
    place : uint16 or uint32 (m, k)
        Of each id, where one hits that is not among the exact k; else None.
    """

    hits: NDArray[np.int32]
    ratio: FloatArray
    duplicates: int
    pads: int
    ties: int
    place: Places | None


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
        truth = self.ground_truth
        again = repeated(ids)
        ratio = self._ratio(ids, again)
        hits = relevant(truth.ids[:, :k], ids).sum(axis=1, dtype=np.int32)
        place = None
        listed = list_places(truth.distances, k, self.dataset.metric, self.rule)
        if self._may_tie_beyond(listed, k):
            place = find_places(
                ids,
                truth.ids,
                truth.distances,
                k,
                self.dataset.metric,
                self.rule,
                self._distances_of,
            )
            near = (place > 0) & ~again
            hits = np.minimum(near.sum(axis=1, dtype=np.int32), k)
            if self.rule == "exact-tie":
                # As near, up to roundings that a square root makes large.
                worth = weigh(np.where(again, 0, place), listed[:, :k])
                ratio[worth.counted.all(axis=1)] = 1.0
            if not (near & ~relevant(ids, truth.ids[:, :k])).any():
                place = None
        nearest = truth.distances[:, k - 1 : k + 1]
        tied = nearest[:, 1:] <= tie_limit(nearest[:, :1], self.dataset.metric)
        return Score(
            hits=hits,
            ratio=ratio,
            duplicates=int(again.sum()),
            pads=int((ids < 0).sum()),
            ties=int(tied.sum()),
            place=None if place is None else place.astype(np.uint16 if k < 1 << 16 else np.uint32),
        )

    def _may_tie_beyond(self, listed: Places, k: int) -> bool:
        """Whether ids that are not among the exact k may be as near as the k-th."""
        if self.rule == "id":
            return False
        return listed.shape[1] > k or self.ground_truth.depth == k < self.dataset.n

    def _distances_of(self, rows: NDArray[np.intp], ids: NDArray[np.integer[Any]]) -> FloatArray:
        """float64 distances of pairs (query row, base id), from the stored vectors."""
        data = self.dataset
        return pair_distances(data.queries, data.base, rows, ids, data.metric)

    def _ratio(self, ids: NDArray[np.integer[Any]], again: NDArray[np.bool_]) -> FloatArray:
        """Σ true / Σ returned distance of each query; see :class:`vbench.measures.order.Ratio`."""
        k, truth = ids.shape[1], self.ground_truth
        counted = (ids >= 0) & ~again
        given = self._euclidean(self._distances(ids, counted))
        true = self._euclidean(truth.distances[:, :k])
        returned = counted.sum(axis=1)
        nearest = np.where(np.arange(k) < returned[:, np.newaxis], true, 0.0).sum(axis=1)
        total = np.where(counted, given, 0.0).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(total > 0, nearest / total, 1.0)
        if truth.allowed is None:
            return np.asarray(np.minimum(quotient, 1.0) * returned / k)
        with np.errstate(invalid="ignore"):
            share = returned / np.minimum(truth.allowed, k)
        return np.asarray(np.minimum(quotient, 1.0) * share)

    def _euclidean(self, distances: FloatArray) -> FloatArray:
        """Euclidean distances (m, k), exactly 0 where they are nothing but roundings."""
        queries, metric = self.dataset.queries, self.dataset.metric
        found = euclidean(distances, queries, metric, self._largest_norm)
        if metric == "l2":
            return found
        size = np.ones(len(queries))
        if metric == "ip":
            size = np.sqrt(square_norms(queries) + self._largest_norm**2)
        return np.where(found > _NOTHING * size[:, np.newaxis], found, 0.0)

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
