"""Which base rows may be among the k nearest: scores between bounds, and what decides them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray
from vbench.neighbors.space import FLOAT32, FLOAT64, Ids, ScoreSpace, Vectors, refuse

CHECKED = False
"""Whether each step proves the invariant of :class:`Candidates`; tests switch it on."""


_FINISHED = 64
"""Queries that are finished at a time."""


def capacity(k: int) -> int:
    """How many candidates a query may have before the weaker ones are dropped."""
    return k + max(k, 256)


class Candidates:
    """The candidates of a chunk of queries: scores with their bounds, more than k of them.

    `floor` is the k-th best score that is certain; nothing under it can be among the k nearest.
    At all times ``low ≤ exact score ≤ high``; `CHECKED` makes every step prove it.

    An example with k = 2, an error of 0.1 and room for three. The rows a, b, c have the float32
    scores 5.00, 4.00 and 3.95; their `low` is 4.90, 3.90, 3.85, their `high` 5.10, 4.10, 4.05. For
    d, 3.70, there is no room, so the floor is raised to the second best `low`, 3.90: two rows are
    surely as near. c stays, its `high` is above the floor; d, of at most 3.80, is not taken in. e,
    4.30, raises the floor to 4.20, under which b and c fall. In the end who is left, a and e, is
    ranked by the float64 distance and, where that is equal, by id.

    Parameters
    ----------
    part
        Which queries of the space.
    limit : float64 (m,), optional
        Distances beyond which nothing is asked for.
    guess : float64 (queries of the part,), optional
        Scores that the k-th best are likely not under; -inf where nothing is known.

    Attributes
    ----------
    wrong : bool (queries of the part,)
        Whose guess was too high, known once finished: rows that belong there may be missing.
    """

    def __init__(
        self,
        space: ScoreSpace,
        part: slice,
        k: int,
        limit: FloatArray | None,
        guess: FloatArray | None = None,
    ) -> None:
        self.space, self.part, self.k, self.capacity = space, part, k, capacity(k)
        self.numbers = np.arange(part.start, part.stop)
        shape = (len(self.numbers), self.capacity)
        self.low = np.full(shape, -np.inf)
        self.high = np.full(shape, -np.inf)
        self.ids = np.full(shape, -1, np.int64)
        self.fill = np.zeros(len(self.numbers), np.int64)
        nothing = np.full(len(self.numbers), -np.inf)
        self.guess = nothing if guess is None else guess
        self.floor = self.guess.copy()
        self.wrong = np.zeros(len(self.numbers), np.bool_)
        if limit is not None:
            known = np.isfinite(limit[part])
            self.floor[known] = space.scores(self.numbers[known], limit[part][known])[0]

    def add(self, first: int, rows: Vectors, norms: NDArray[Any]) -> None:
        """Take in the prepared float32 `rows`, whose ids begin at `first`."""
        self._add(first, rows, norms)
        if CHECKED:
            self._prove()

    def _add(self, first: int, rows: Vectors, norms: NDArray[Any]) -> None:
        with np.errstate(all="ignore"):
            error = self.space.error(self.part, float(norms.max()), FLOAT32)
            if not self.space.is_safe(error):
                self._settle(np.arange(len(self.fill)), first, len(rows))
                return
            by_row = self.space.products_by_row(self.part, rows)
            scores = by_row.T
            self.space.place_zero(scores, norms)
            if (self.floor == -np.inf).any():
                # At the beginning everything would pass.
                empty = (self.floor == -np.inf) & (self.fill + len(rows) > self.capacity)
                self._raise_floor(np.flatnonzero(empty), scores, error)
            reached = np.flatnonzero(by_row >= self._threshold(error))
            columns, queries = np.divmod(reached, len(self.fill))
            hits = np.sort(queries * len(rows) + columns)
            for more in (None, scores):
                full = self._too_many(hits, len(rows))
                if not len(full):
                    break
                # What is kept tells most of it; the tile at hand is looked at when it must be.
                self._raise_floor(full, more, error)
                queries, columns = np.divmod(hits, len(rows))
                hits = hits[scores[queries, columns] >= self._threshold(error)[queries]]
            crowded = self._too_many(hits, len(rows))
            if len(crowded):
                self._settle(crowded, first, len(rows))
                hits = hits[~np.isin(hits // len(rows), crowded)]
            if len(hits):
                queries, columns = np.divmod(hits, len(rows))
                found = scores[queries, columns].astype(np.float64)
                self._append(queries, first + columns, found, error[queries])

    def _too_many(self, hits: NDArray[Any], width: int) -> NDArray[Any]:
        """Queries that have no room for their hits."""
        counts = np.bincount(hits // width, minlength=len(self.fill))
        return np.flatnonzero(self.fill + counts > self.capacity)

    def _threshold(self, error: FloatArray) -> NDArray[np.float32]:
        """The lowest float32 score that may still belong to one of the k nearest."""
        return np.nextafter((self.floor - error).astype(np.float32), np.float32(-np.inf))

    def _raise_floor(self, chosen: NDArray[Any], more: Vectors | None, error: FloatArray) -> None:
        """Learn the k-th best from what is kept, and `more`; drop who fell under it."""
        certain = self.low[chosen]
        if more is not None:
            certain = np.hstack([certain, more[chosen] - error[chosen, np.newaxis]])
        if certain.shape[1] >= self.k:
            place = certain.shape[1] - self.k
            kth = np.partition(certain, place, axis=1)[:, place]
            self.floor[chosen] = np.maximum(self.floor[chosen], kth)
        kept = self.high[chosen] >= self.floor[chosen, None]
        kept &= self.ids[chosen] >= 0
        rows, places = np.nonzero(kept)
        counts = kept.sum(axis=1)
        queries, rank = chosen[rows], _rank_in_group(rows, counts)
        for values, nothing in ((self.low, -np.inf), (self.high, -np.inf), (self.ids, -1)):
            left = values[queries, places]
            values[chosen] = nothing
            values[queries, rank] = left
        self.fill[chosen] = counts

    def _append(self, queries: Ids, ids: Ids, scores: FloatArray, error: FloatArray) -> None:
        """Add candidates, `queries` being sorted and all of them having room."""
        counts = np.bincount(queries, minlength=len(self.fill))
        place = self.fill[queries] + _rank_in_group(queries, counts)
        self.low[queries, place] = scores - error
        self.high[queries, place] = scores + error
        self.ids[queries, place] = ids
        self.fill += counts

    def _settle(self, chosen: NDArray[Any], first: int, count: int) -> None:
        """Do a tile again in float64, for queries whose candidates float32 cannot tell apart."""
        self._keep_nearest(chosen, *self._candidates(chosen))
        rows, norms = self.space.rows(self.space.base[first : first + count], np.float64, first)
        refuse(~np.isfinite(norms), "base", first, "holds NaN or Inf")
        error = self.space.error(self.part, float(norms.max()), FLOAT64)[chosen]
        scores = self.space.wide[self.numbers[chosen]] @ rows.T
        self.space.place_zero(scores, norms)
        hits = np.flatnonzero(scores >= (self.floor[chosen] - error)[:, None])
        queries, columns = np.divmod(hits, count)
        queries, ids = chosen[queries], first + columns
        found = self.space.distances(self.numbers[queries], ids)
        before, known, near = self._candidates(chosen)
        self._keep_nearest(
            chosen,
            np.concatenate([before, queries]),
            np.concatenate([known, ids]),
            np.concatenate([near, found]),
        )

    def _candidates(self, chosen: NDArray[Any]) -> tuple[Ids, Ids, FloatArray]:
        """Queries, ids and float64 distances of what is kept for the `chosen` queries."""
        kept = self.high[chosen] >= self.floor[chosen, None]
        kept &= self.ids[chosen] >= 0
        queries = np.repeat(chosen, kept.sum(axis=1))
        ids = self.ids[chosen][kept]
        return queries, ids, self.space.distances(self.numbers[queries], ids)

    def _keep_nearest(
        self, chosen: NDArray[Any], queries: Ids, ids: Ids, distances: FloatArray
    ) -> None:
        """Keep the k nearest of these candidates by (distance, id), and no others."""
        queries, rank, ids, distances = self._ranked(queries, ids, distances)
        self.low[chosen], self.high[chosen], self.ids[chosen] = -np.inf, -np.inf, -1
        low, high = self.space.scores(self.numbers[queries], distances)
        self.low[queries, rank], self.high[queries, rank] = low, high
        self.ids[queries, rank] = ids
        self.fill[chosen] = np.bincount(queries, minlength=len(self.fill))[chosen]
        last = rank == self.k - 1
        self.floor[queries[last]] = np.maximum(self.floor[queries[last]], low[last])

    def _ranked(
        self, queries: Ids, ids: Ids, distances: FloatArray
    ) -> tuple[Ids, Ids, Ids, FloatArray]:
        """Query, rank from 0, id and distance of the k nearest by (distance, id)."""
        order = np.lexsort((ids, distances, queries))
        queries, ids, distances = queries[order], ids[order], distances[order]
        rank = _rank_in_group(queries, np.bincount(queries, minlength=len(self.fill)))
        best = rank < self.k
        return queries[best], rank[best], ids[best], distances[best]

    def finish(self) -> tuple[Ids, FloatArray]:
        """Ids and distances (m, k) of the nearest, by distance, then id; −1 and inf at the end."""
        ids = np.empty((len(self.numbers), self.k), np.int64)
        distances = np.empty((len(self.numbers), self.k))
        for first in range(0, len(self.numbers), _FINISHED):
            some = slice(first, first + _FINISHED)
            ids[some], distances[some] = self._finish(some)
        return ids, distances

    def _finish(self, some: slice) -> tuple[Ids, FloatArray]:
        place = self.capacity - self.k
        surely = np.partition(self.low[some], place, axis=1)[:, place]
        self.wrong[some] = surely < self.guess[some]
        floor = np.maximum(self.floor[some], surely)
        ids = self.ids[some]
        kept = (self.high[some] >= floor[:, np.newaxis]) & (ids >= 0)
        queries, places = np.nonzero(kept)
        distances = np.full(kept.shape, np.inf)
        distances[queries, places] = self.space.distances(
            self.numbers[some][queries], ids[queries, places]
        )
        # What is not kept goes last: no id is larger, and no distance.
        ids = np.where(kept, ids, np.iinfo(np.int64).max)
        order = np.lexsort((ids, distances), axis=1)[:, : self.k]
        kept, ids, distances = (
            np.take_along_axis(each, order, axis=1) for each in (kept, ids, distances)
        )
        return np.where(kept, ids, -1), distances

    def _prove(self) -> None:
        """Compare the bounds of all that is kept with the scores of the float64 distances."""
        queries, places = np.nonzero(self.ids >= 0)
        numbers = self.numbers[queries]
        distances = self.space.distances(numbers, self.ids[queries, places])
        least, most = self.space.scores(numbers, distances)
        assert (self.low[queries, places] <= most).all(), "a lower bound is above the exact score"
        assert (least <= self.high[queries, places]).all(), (
            "an upper bound is under the exact score"
        )


def _rank_in_group(groups: Ids, counts: NDArray[Any]) -> Ids:
    """Position of each element within its run of equal, sorted `groups`."""
    starts = np.cumsum(counts) - counts
    return np.asarray(np.arange(len(groups)) - starts[groups])
