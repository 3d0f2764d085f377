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
from vbench.neighbors.sample import Sample
from vbench.neighbors.space import CHUNK_QUERIES, Ids, ScoreSpace, Vectors, scan

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
    group = max(1, _BUFFER_BYTES // (24 * capacity(k)))
    # One thread per chunk of queries: BLAS's own threads would wait for each other at each tile.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(queries), group):
            part = slice(first, first + group)
            space = ScoreSpace(queries[part], base, metric, first)
            known = None if limit is None else limit[part]
            ids[part], distances[part] = _search(
                space, k, range(start, stop), known, pool, threads, progress
            )
    return ids, distances


def merge(
    one: tuple[NDArray[Any], FloatArray], other: tuple[NDArray[Any], FloatArray]
) -> tuple[NDArray[Any], FloatArray]:
    """Keep the nearest of two shards, ids and distances (m, k) each, by distance, then id."""
    ids, distances = (np.hstack(pair) for pair in zip(one, other, strict=True))
    order = np.lexsort((ids, distances), axis=1)[:, : one[0].shape[1]]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(distances, order, axis=1)


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
    scan(space, numbers, parts, Candidates.add, pool, progress)
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
