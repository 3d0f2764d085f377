"""Exact nearest neighbors of one shard: a float32 product finds, float64 decides.

Every float32 score comes with a bound on its error. A row is dropped only when its score, even
with that bound in its favor, is under the k-th best that is certain; what remains is ranked by
its float64 distance and, where that is equal, by id. So the answer is exact by construction.
Where too many rows lie within the bound (tight clusters, ties), they are done again in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray, Metric
from vbench.neighbors.candidates import Candidates, capacity
from vbench.neighbors.forks import count_forks, shared_array, work_in_forks
from vbench.neighbors.sample import Sample
from vbench.neighbors.space import CHUNK_QUERIES, TILE_ROWS, Ids, ScoreSpace, Vectors, scan

_BUFFER_BYTES = 32 << 20
_THREAD_BYTES = 16 << 20
"""Of candidates: in all, but no less than for each thread, whose products else are thin."""
_WIDEST = 4
"""Times the rows that a tile has for many queries."""
_MERGED = 1024
"""Queries that are merged at a time."""


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
    threads
        How many cores to use. Where there is enough to do, forks share the queries.
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
    numbers = range(start, len(base) if stop is None else stop)
    m = len(queries)
    forks = count_forks(threads, m, m * len(numbers) * base.shape[1])
    make: Callable[..., NDArray[Any]] = np.empty if forks == 1 else shared_array
    ids, distances = make((m, k), np.int64), make((m, k), np.float64)

    def search(part: slice, tell: Callable[[int, int], None] | None) -> None:
        # As many queries at a time as have room for their candidates.
        own = threads // forks
        group = max(1, max(_BUFFER_BYTES, own * _THREAD_BYTES) // (24 * capacity(k)))
        with ThreadPoolExecutor(own) as pool:
            for first in range(part.start, part.stop, group):
                some = slice(first, min(first + group, part.stop))
                space = ScoreSpace(queries[some], base, metric, first)
                known = None if limit is None else limit[some]
                ids[some], distances[some] = _search(space, k, numbers, known, pool, own, tell)

    # One thread per chunk of queries: BLAS's own threads would wait for each other at each tile.
    with threadpool_limits(1, user_api="blas"):
        if forks == 1:
            search(slice(0, m), progress)
        else:
            work_in_forks(search, m, forks, progress)
    return ids, distances


def merge(
    one: tuple[NDArray[Any], FloatArray], other: tuple[NDArray[Any], FloatArray]
) -> tuple[NDArray[Any], FloatArray]:
    """Keep the nearest of two shards, ids and distances (m, k) each, by distance, then id.

    All ids of `other` are larger than those of `one`.
    """
    ids, distances = one[0].copy(), one[1].copy()
    changed = np.flatnonzero(other[0][:, 0] >= 0)
    for first in range(0, len(changed), _MERGED):
        some = changed[first : first + _MERGED]
        both = np.hstack([one[1][some], other[1][some]])
        # What comes first of equal distances has the smaller id.
        order = np.argsort(both, axis=1, kind="stable")[:, : ids.shape[1]]
        distances[some] = np.take_along_axis(both, order, axis=1)
        both_ids = np.hstack([one[0][some], other[0][some]])
        ids[some] = np.take_along_axis(both_ids, order, axis=1)
    return ids, distances


def _search(
    space: ScoreSpace,
    k: int,
    numbers: range,
    limit: FloatArray | None,
    pool: ThreadPoolExecutor,
    threads: int,
    progress: Callable[[int, int], None] | None,
    *,
    may_guess: bool = True,
) -> tuple[Ids, FloatArray]:
    """Answer a group of queries from the base rows in `numbers`."""
    m = len(space.queries)
    chunk = min(CHUNK_QUERIES, -(-m // threads))
    slices = [slice(at, min(at + chunk, m)) for at in range(0, m, chunk)]
    guesses: Iterable[FloatArray | None] = repeat(None)
    if limit is None and may_guess:
        guesses = pool.map(Sample(space, numbers, k).guess, slices)
    parts = [
        Candidates(space, part, k, limit, guess)
        for part, guess in zip(slices, guesses, strict=False)
    ]
    # Of fewer queries, more rows: a tile takes as long to look at, whatever is in it.
    rows = min(_WIDEST, CHUNK_QUERIES // max(1, chunk)) * TILE_ROWS
    scan(space, numbers, parts, Candidates.add, pool, progress, tile_rows=rows)
    answers = list(pool.map(Candidates.finish, parts))
    ids = np.concatenate([ids for ids, _ in answers])
    distances = np.concatenate([distances for _, distances in answers])
    wrong = np.flatnonzero(np.concatenate([part.wrong for part in parts]))
    if len(wrong):
        again = ScoreSpace(space.queries[wrong], space.base, space.metric)
        ids[wrong], distances[wrong] = _search(
            again, k, numbers, None, pool, threads, None, may_guess=False
        )
    return ids, distances
