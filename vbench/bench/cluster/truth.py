"""Exact search by the workers of a cluster: by queries first, then by few large shards."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._process.cores import usable_cores
from vbench.bench.cluster.cluster import Cluster, open_cluster
from vbench.bench.cluster.parts import Place, place_of, work_in
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import keep_ground_truth, kept_ground_truth, narrowed
from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.neighbors.exact import merge, nearest
from vbench.neighbors.forks import FEWEST_QUERIES

_MANY_QUERIES = 512
"""From so many on, more parts than workers cost nothing, and a lost one costs less."""
_SAMPLE_SHARE = 64
_SAMPLE_DEPTHS = 20


class Tile(NamedTuple):
    """Queries and base rows of a task, both as ranges; every `step`-th of the rows."""

    queries: tuple[int, int]
    rows: tuple[int, int]
    step: int = 1


Found = tuple[NDArray[np.int64], FloatArray]


def find_by_workers(
    address: str,
    dataset: Dataset,
    depth: int,
    progress: Callable[[int, int], None] | None = None,
) -> GroundTruth:
    """Let the workers of a cluster find the exact neighbors, which are kept here.

    Raises
    ------
    VbenchError
        The cluster cannot be used, or the dataset lies in this process alone.
    """
    with open_cluster(address, 1) as cluster:
        return find_ground_truth(cluster, place_of(dataset, cluster), dataset, depth, progress)


def find_ground_truth(
    cluster: Cluster,
    place: Place,
    dataset: Dataset,
    depth: int,
    progress: Callable[[int, int], None] | None = None,
) -> GroundTruth:
    """The exact `depth` nearest base vectors of every query, and keep them here.

    Where there are fewer queries than workers can share well, the base is cut as well: then a
    sample of the base is searched first, whose `depth`-th distance none of the nearest exceeds, so
    that no shard looks for more than belongs to the answer.
    """
    depth = min(depth, dataset.n)
    known = kept_ground_truth(dataset, depth)
    if known is not None:
        return known
    parts, shards = _grid(dataset, cluster.slots)
    total, done = dataset.n * dataset.m, 0

    def advance(tile: Tile) -> None:
        nonlocal done
        if tile.step == 1:
            done += (tile.queries[1] - tile.queries[0]) * (tile.rows[1] - tile.rows[0])
        if progress:
            progress(done, total)

    limits: dict[tuple[int, int], FloatArray] = {}
    step = dataset.n // max(dataset.n // _SAMPLE_SHARE, _SAMPLE_DEPTHS * depth)
    if len(shards) > 1 and step > 1:
        sample = [Tile(part, (0, dataset.n), step) for part in parts]
        found = _search_all(cluster, place, depth, sample, {}, advance)
        limits = {tile.queries: distances[:, -1] for tile, (_, distances) in found.items()}
    tiles = [Tile(part, shard) for shard in shards for part in parts]
    found = _search_all(cluster, place, depth, tiles, limits, advance)
    joined = []
    for part in parts:
        best = found[Tile(part, shards[0])]
        for shard in shards[1:]:
            best = merge(best, found[Tile(part, shard)])
        joined.append(best)
    truth = GroundTruth(
        np.concatenate([ids for ids, _ in joined]), np.concatenate([each for _, each in joined])
    )
    truth = narrowed(dataset, truth)
    keep_ground_truth(dataset, truth)
    return truth


def _search_all(
    cluster: Cluster,
    place: Place,
    depth: int,
    tiles: list[Tile],
    limits: dict[tuple[int, int], FloatArray],
    advance: Callable[[Tile], None],
) -> dict[Tile, Found]:
    tasks = {
        cluster.submit(search, place, depth, tile, limits.get(tile.queries)): tile for tile in tiles
    }
    found: dict[Tile, Found] = {}
    for task in cluster.finished(tasks, lambda: None):
        tile = tasks[task]
        found[tile] = result_of(task)
        advance(tile)
        task.release()
    return found


def result_of(task: object) -> Found:
    """What a task of the exact search found.

    Raises
    ------
    VbenchError
        Its worker was lost again and again, or has other data.
    """
    from distributed import Future
    from distributed.scheduler import KilledWorker

    assert isinstance(task, Future)
    try:
        found: Found = task.result()
    except KilledWorker as lost:
        raise VbenchError(
            f"a part of the exact search was not done: {lost.allowed_failures + 1} workers were "
            "lost on it; see their logs for why, such as too little memory"
        ) from None
    return found


def search(place: Place, depth: int, tile: Tile, limit: FloatArray | None) -> Found:
    """On a worker: the nearest of some queries among some rows."""
    with work_in(place) as (dataset, _):
        threads = max(1, len(usable_cores()) // place.beside)
        queries = dataset.queries[slice(*tile.queries)]
        if tile.step > 1:
            return nearest(
                queries, dataset.base[:: tile.step], dataset.metric, depth, threads=threads
            )
        return nearest(
            queries,
            dataset.base,
            dataset.metric,
            depth,
            start=tile.rows[0],
            stop=tile.rows[1],
            limit=limit,
            threads=threads,
        )


def _grid(dataset: Dataset, slots: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Ranges of the queries and of the base, so that there is a tile for each slot or more."""
    parts = min(max(slots, min(2 * slots, dataset.m // _MANY_QUERIES)), dataset.m // FEWEST_QUERIES)
    parts = max(1, parts)
    shards = max(1, min(-(-slots // parts), dataset.n))
    return _ranges(dataset.m, parts), _ranges(dataset.n, shards)


def _ranges(count: int, pieces: int) -> list[tuple[int, int]]:
    ends = [count * number // pieces for number in range(pieces + 1)]
    return [each for each in itertools.pairwise(ends) if each[0] < each[1]]
