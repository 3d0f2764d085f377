"""Exact nearest neighbors of one shard: a float32 product finds, float64 decides.

Every float32 score comes with a bound on its error. A row is dropped only when its score, even
with that bound in its favor, is under the k-th best that is certain; what remains is ranked by
its float64 distance and, where that is equal, by id. So the answer is exact by construction.
Where too many rows lie within the bound (tight clusters, ties), they are done again in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.scores import CHUNK_QUERIES, TILE_ROWS, Ids, Space, Vectors, refuse
from vbench.metric import FloatArray, Metric

_SLAB_BYTES = 8 << 20
_BUFFER_BYTES = 32 << 20


def nearest(
    queries: Vectors,
    base: Vectors,
    metric: Metric,
    k: int,
    *,
    start: int = 0,
    stop: int | None = None,
    limit: FloatArray | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Ids, FloatArray]:
    """Find the `k` nearest among rows `start` to `stop` of `base`, exactly.

    Parameters
    ----------
    queries, base : (m, d) and (n, d) float64, float32, float16, int8 or uint8
        `base` may be a memory map; a few megabytes of it are widened at a time.
    limit : float64 (m,), optional
        Distances beyond which nothing is asked for: the k-th best of shards done before.
    progress
        Called with the base rows finished since the last call, and for how many queries.

    Returns
    -------
    ids : int64 (m, k), distances : float64 (m, k)
        Sorted by distance, then id; −1 and inf where the shard has fewer rows (or none within
        `limit`). Distances as :func:`vbench.metric.distance` computes them.

    Raises
    ------
    DataError
        NaN or Inf, or a zero query under `cosine`. A zero base row is farther than all others.
    """
    from threadpoolctl import threadpool_limits

    queries, base = np.asarray(queries), np.asarray(base)
    stop = len(base) if stop is None else stop
    ids = np.full((len(queries), k), -1, np.int64)
    distances = np.full((len(queries), k), np.inf)
    # As many queries at a time as have room for their candidates.
    group = max(1, _BUFFER_BYTES // (24 * _capacity(k)))
    # One thread per chunk of queries: BLAS's own threads would wait for each other at each tile.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(queries), group):
            part = slice(first, first + group)
            space = Space(queries[part], base, metric, first)
            known = None if limit is None else limit[part]
            ids[part], distances[part] = _search(
                space, k, range(start, stop), known, pool, threads, progress
            )
    return ids, distances


def _search(
    space: Space,
    k: int,
    numbers: range,
    limit: FloatArray | None,
    pool: ThreadPoolExecutor,
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Ids, FloatArray]:
    """Answer a group of queries from the base rows in `numbers`."""
    m = len(space.queries)
    chunk = min(CHUNK_QUERIES, -(-m // threads))
    parts = [_Best(space, slice(at, min(at + chunk, m)), k, limit) for at in range(0, m, chunk)]
    slab = max(TILE_ROWS, _SLAB_BYTES // (4 * space.d))
    for first in numbers[::slab]:
        block = space.base[first : min(first + slab, numbers.stop)]
        rows, norms = space.rows(block, np.float32, first)

        def search(part: _Best, first: int = first, rows: Any = rows, norms: Any = norms) -> None:
            for tile in range(0, len(rows), TILE_ROWS):
                end = tile + TILE_ROWS
                part.add(first + tile, rows[tile:end], norms[tile:end])

        list(pool.map(search, parts))
        if progress:
            progress(len(block), m)
    answers = list(pool.map(_Best.finish, parts))
    return (
        np.concatenate([ids for ids, _ in answers]),
        np.concatenate([distances for _, distances in answers]),
    )


def _capacity(k: int) -> int:
    """How many candidates a query may have before the weaker ones are dropped."""
    return k + max(k, 256)


class _Best:
    """The candidates of a chunk of queries: scores with their bounds, more than k of them.

    `floor` is the k-th best score that is certain; nothing under it can be among the k nearest.
    """

    def __init__(self, space: Space, part: slice, k: int, limit: FloatArray | None) -> None:
        self.space, self.part, self.k, self.capacity = space, part, k, _capacity(k)
        self.numbers = np.arange(part.start, part.stop)
        shape = (len(self.numbers), self.capacity)
        self.low = np.full(shape, -np.inf)
        self.high = np.full(shape, -np.inf)
        self.ids = np.full(shape, -1, np.int64)
        self.fill = np.zeros(len(self.numbers), np.int64)
        self.floor = np.full(len(self.numbers), -np.inf)
        if limit is not None:
            known = np.isfinite(limit[part])
            self.floor[known] = space.scores(self.numbers[known], limit[part][known])[0]

    def add(self, first: int, rows: Vectors, norms: NDArray[Any]) -> None:
        """Take in the prepared float32 `rows`, whose ids begin at `first`."""
        with np.errstate(all="ignore"):
            error = self.space.error(self.part, float(norms.max()), 2.0**-24)
            if not np.isfinite(error.max() * 4) or error.max() > 1e37:
                # Too large for float32, where NaN would hide a neighbor.
                self._settle(np.arange(len(self.fill)), first, len(rows))
                return
            scores = self.space.products(self.space.narrow[self.part], rows)
            self.space.place_zero(scores, norms)
            if (self.floor == -np.inf).any():
                # At the beginning everything would pass.
                empty = (self.floor == -np.inf) & (self.fill + len(rows) > self.capacity)
                self._raise_floor(np.flatnonzero(empty), scores, error)
            hits = np.flatnonzero(scores >= self._threshold(error)[:, None])
            for more in (None, scores):
                full = self._too_many(hits, len(rows))
                if not len(full):
                    break
                # What is kept tells most of it; the tile at hand is looked at when it must be.
                self._raise_floor(full, more, error)
                hits = hits[scores.ravel()[hits] >= self._threshold(error)[hits // len(rows)]]
            crowded = self._too_many(hits, len(rows))
            if len(crowded):
                self._settle(crowded, first, len(rows))
                hits = hits[~np.isin(hits // len(rows), crowded)]
            if len(hits):
                queries, columns = np.divmod(hits, len(rows))
                found = scores.ravel()[hits].astype(np.float64)
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
        order = np.argsort(~kept, axis=1, kind="stable")
        gone = ~np.take_along_axis(kept, order, axis=1)
        for values, nothing in ((self.low, -np.inf), (self.high, -np.inf), (self.ids, -1)):
            moved = np.take_along_axis(values[chosen], order, axis=1)
            moved[gone] = nothing
            values[chosen] = moved
        self.fill[chosen] = kept.sum(axis=1)

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
        error = self.space.error(self.part, float(norms.max()), 2.0**-53)[chosen]
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
        order = np.lexsort((ids, distances, queries))
        queries, ids, distances = queries[order], ids[order], distances[order]
        rank = _rank_in_group(queries, np.bincount(queries, minlength=len(self.fill)))
        best = rank < self.k
        queries, ids, distances, rank = queries[best], ids[best], distances[best], rank[best]
        self.low[chosen], self.high[chosen], self.ids[chosen] = -np.inf, -np.inf, -1
        low, high = self.space.scores(self.numbers[queries], distances)
        self.low[queries, rank], self.high[queries, rank] = low, high
        self.ids[queries, rank] = ids
        self.fill[chosen] = np.bincount(queries, minlength=len(self.fill))[chosen]
        last = rank == self.k - 1
        self.floor[queries[last]] = np.maximum(self.floor[queries[last]], low[last])

    def finish(self) -> tuple[Ids, FloatArray]:
        """Rank what is left by float64 distance and id."""
        everyone = np.arange(len(self.fill))
        if self.capacity >= self.k:
            place = self.capacity - self.k
            kth = np.partition(self.low, place, axis=1)[:, place]
            self.floor = np.maximum(self.floor, kth)
        queries, ids, distances = self._candidates(everyone)
        order = np.lexsort((ids, distances, queries))
        queries, ids, distances = queries[order], ids[order], distances[order]
        rank = _rank_in_group(queries, np.bincount(queries, minlength=len(everyone)))
        best = rank < self.k
        out_ids = np.full((len(everyone), self.k), -1, np.int64)
        out_distances = np.full((len(everyone), self.k), np.inf)
        out_ids[queries[best], rank[best]] = ids[best]
        out_distances[queries[best], rank[best]] = distances[best]
        return out_ids, out_distances


def _rank_in_group(groups: Ids, counts: NDArray[Any]) -> Ids:
    """Position of each element within its run of equal, sorted `groups`."""
    starts = np.cumsum(counts) - counts
    return np.asarray(np.arange(len(groups)) - starts[groups])
