"""Ground truth of a dataset: kept on disk, resumed where it stopped, checked where it is given."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench._leftovers import sweep_once
from vbench._locks import hold_lock
from vbench._process.cores import usable_cores
from vbench.data.arrays import DAMAGE, signed_ids
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.metric import FloatArray, Metric
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import pair_distances

Vectors = NDArray[Any]

_SHARD_PRODUCTS = 2.5e11
"""Multiplications in a shard: some ten seconds of one core, which is what a kill can cost."""

_SHARD_ROWS = 50_000
"""Rows times dimensions in a shard, for each neighbor: the answer so far is written after it,
and that must cost little beside it."""

_SAMPLE_QUERIES = 16
_SAMPLE_DEPTH = 100
_REMEDY = (
    "bring the ground truth of these very vectors, or leave it out "
    "(--ground-truth none, in Python ground_truth=False): it is computed anyway"
)


def compute_ground_truth(
    dataset: Dataset,
    depth: int,
    *,
    threads: int | None = None,
    shard_rows: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: bool = True,
) -> GroundTruth:
    """Find the exact `depth` nearest base vectors of every query, ties by ascending id.

    Kept in ``_paths.home()/truth`` under the dataset's fingerprint; a deeper one found there
    serves a shallower request. While it is computed each finished shard of the base is kept, so
    that a killed process loses one shard at most. Memory is bounded by the block of base vectors
    at hand (some megabytes) and by the answer, never by n.

    Parameters
    ----------
    depth
        More than n is taken as n.
    threads
        Default: the cores this process may use.
    shard_rows
        Base vectors in a shard; default: some ten seconds of work.
    progress
        Called with (done, total), in pairs of a query and a base vector.
    cache
        False neither reads nor writes the disk.

    Raises
    ------
    DataError
        NaN, Inf or (under `cosine`) zero queries; `given_ground_truth` that is not that of these
        vectors, naming its first wrong query.
    """
    if depth < 1:
        raise DataError(f"depth of the ground truth must be at least 1, got {depth}")
    depth = min(depth, dataset.n)
    if cache:
        folder = _paths.home() / "truth" / dataset.fingerprint
        sweep_once(folder)
        truth = _cached(folder, dataset, depth)
        if truth is None:
            kept = folder / f"depth-{depth}.npz"
            # Who waited for another process finds here what that has found.
            with hold_lock(kept, f"computing the exact neighbors of {dataset.name}"):
                truth = _cached(folder, dataset, depth)
                if truth is None:
                    truth = _computed(dataset, depth, threads, shard_rows, progress, folder)
                    _write(kept, truth)
                _drop_unfinished(folder, depth)
        else:
            _drop_unfinished(folder, depth)
    else:
        truth = _computed(dataset, depth, threads, shard_rows, progress, None)
    if dataset.given_ground_truth is not None:
        everyone = np.arange(dataset.m)
        _refuse_worse(
            dataset.given_ground_truth, truth, everyone, dataset, f"ground truth of {dataset.name}"
        )
    return truth


def check_ground_truth(
    ids: Vectors, queries: Vectors, base: Vectors, metric: Metric, *, where: str
) -> GroundTruth:
    """Check ground truth that came with a file, and give it distances of our own.

    Looked at are shape, range, repeated ids and the order of every query; for a sample of the
    queries the exact neighbors are found again. :func:`compute_ground_truth` compares all of them.

    Parameters
    ----------
    ids : integer (m, depth)
        A shorter row ends in −1 (or the largest number of an unsigned type).
    where
        The file, for messages.

    Returns
    -------
    GroundTruth
        −1 and inf after the end of a shorter row.

    Raises
    ------
    DataError
        It cannot be the ground truth of these vectors; the first query that shows it is named.
    """
    if ids.ndim != 2 or len(ids) != len(queries) or not ids.shape[1]:
        raise DataError(
            f"{where}: ground truth has the shape {ids.shape} where ({len(queries)}, depth) is "
            f"needed, a row for each query; {_REMEDY}"
        )
    if not np.issubdtype(ids.dtype, np.integer):
        raise DataError(f"{where}: ground truth must hold integer ids, got {ids.dtype}")
    ids = signed_ids(ids)
    pads = ids == -1
    _first(
        ((ids < 0) & ~pads) | (ids >= len(base)) | (pads[:, :1] if pads[:, 0].all() else False),
        lambda q, rank: (
            f"{where}: query {q}: neighbor {ids[q, rank]} (rank {rank}) is outside 0 … "
            f"{len(base) - 1}: not the ground truth of these vectors; {_REMEDY}"
        ),
    )
    _first(
        pads[:, :-1] & ~pads[:, 1:],
        lambda q, rank: (
            f"{where}: query {q}: no neighbor at rank {rank}, but one behind it; only the end of "
            f"a row may be padded with -1; {_REMEDY}"
        ),
    )
    ordered = np.sort(ids, axis=1)
    _first(
        (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0),
        lambda q, at: f"{where}: query {q}: id {ordered[q, at]} is there twice; {_REMEDY}",
    )
    distances = _distances(queries, base, ids, metric)
    slack = _slack(queries, base, metric, distances, np.arange(len(queries)))
    values = _comparable(distances, metric)
    with np.errstate(invalid="ignore"):
        nearer = ~pads[:, 1:] & (np.diff(values, axis=1) < -slack[:, 1:])
    _first(
        nearer,
        lambda q, at: (
            f"{where}: query {q}: neighbor {ids[q, at + 1]} (rank {at + 1}, {metric} distance "
            f"{distances[q, at + 1]:.6g}) is nearer than the one before it ({ids[q, at]}, "
            f"{distances[q, at]:.6g}): not the ground truth of these vectors under {metric}; "
            f"{_REMEDY}"
        ),
    )
    truth = GroundTruth(ids, distances)
    few = min(len(queries), _SAMPLE_QUERIES)
    sample = np.unique(
        np.concatenate([np.arange(few // 4), np.linspace(0, len(queries) - 1, few).astype(int)])
    )
    width = min(truth.depth, _SAMPLE_DEPTH)
    exact = GroundTruth(*nearest(queries[sample], base, metric, width, threads=len(usable_cores())))
    dataset = Dataset(where, base, queries, metric)
    _refuse_worse(truth, exact, sample, dataset, where)
    return truth


def _computed(
    dataset: Dataset,
    depth: int,
    threads: int | None,
    shard_rows: int | None,
    progress: Callable[[int, int], None] | None,
    folder: Path | None,
) -> GroundTruth:
    """Go through the shards in order; the best so far bounds what the next one looks for."""
    step = shard_rows or int(max(_SHARD_PRODUCTS / dataset.m, _SHARD_ROWS * depth) / dataset.d) + 1
    unfinished = folder / f"unfinished-{depth}.npz" if folder else None
    best, start = _resumed(unfinished, dataset, depth) if unfinished else (None, 0)
    total, done = dataset.n * dataset.m, start * dataset.m

    def advance(rows: int, queries: int) -> None:
        nonlocal done
        done += rows * queries
        if progress:
            progress(done, total)

    for first in range(start, dataset.n, step):
        stop = min(first + step, dataset.n)
        part = GroundTruth(
            *nearest(
                dataset.queries,
                dataset.base,
                dataset.metric,
                depth,
                start=first,
                stop=stop,
                limit=best.distances[:, -1] if best else None,
                threads=threads or len(usable_cores()),
                progress=advance,
            )
        )
        best = _merged(best, part) if best else part
        if unfinished and stop < dataset.n:
            _write(unfinished, best, stop=np.int64(stop))
    assert best is not None
    narrow = np.int32 if dataset.n <= np.iinfo(np.int32).max else np.int64
    return GroundTruth(best.ids.astype(narrow), best.distances)


def _resumed(path: Path, dataset: Dataset, depth: int) -> tuple[GroundTruth | None, int]:
    """Read how far an earlier process came, and the best until there."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            best, stop = GroundTruth(stored["ids"], stored["distances"]), int(stored["stop"])
    except DAMAGE:
        return None, 0
    if not 0 < stop < dataset.n or not _fits(best, dataset.m, depth):
        return None, 0
    # The first shards may have fewer rows than the depth: then the ends are empty.
    if best.ids.min() < -1 or best.ids.max() >= stop or np.isnan(best.distances).any():
        return None, 0
    return best, stop


def _fits(truth: GroundTruth, queries: int, depth: int) -> bool:
    return (
        truth.ids.shape == truth.distances.shape == (queries, depth)
        and truth.ids.dtype.kind == "i"
        and truth.distances.dtype == np.float64
    )


def _drop_unfinished(folder: Path, depth: int) -> None:
    """Remove what a process left that died between its last shard and its end."""
    with contextlib.suppress(OSError):
        (folder / f"unfinished-{depth}.npz").unlink()


def _merged(one: GroundTruth, other: GroundTruth) -> GroundTruth:
    """Keep the nearest of two shards, by distance, then id."""
    ids = np.hstack([one.ids, other.ids])
    distances = np.hstack([one.distances, other.distances])
    order = np.lexsort((ids, distances), axis=1)[:, : one.depth]
    return GroundTruth(
        np.take_along_axis(ids, order, axis=1), np.take_along_axis(distances, order, axis=1)
    )


def _cached(folder: Path, dataset: Dataset, depth: int) -> GroundTruth | None:
    """Find the shallowest one kept that is deep enough; what is damaged is passed over."""
    known = ((path.stem.partition("-")[2], path) for path in folder.glob("depth-*.npz"))
    kept = sorted((int(number), path) for number, path in known if number.isdecimal())
    for deep, path in kept:
        if deep < depth:
            continue
        truth = _read(path)
        if truth is not None and _is_sound(truth, dataset, deep):
            return GroundTruth(truth.ids[:, :depth], truth.distances[:, :depth])
    return None


def _is_sound(truth: GroundTruth, dataset: Dataset, depth: int) -> bool:
    """Look at shape, range and order, and compute the distances of a few queries again."""
    ids, distances = truth.ids, truth.distances
    if not _fits(truth, dataset.m, depth):
        return False
    if ids.min() < 0 or ids.max() >= dataset.n or np.isnan(distances).any():
        return False
    step, tied = np.diff(distances, axis=1), np.diff(ids.astype(np.int64), axis=1) > 0
    if not ((step > 0) | ((step == 0) & tied)).all():
        return False
    few = np.linspace(0, dataset.m - 1, min(dataset.m, 8)).astype(int)
    again = _distances(dataset.queries[few], dataset.base, ids[few], dataset.metric)
    return bool(np.allclose(again, distances[few], rtol=1e-9, atol=1e-12))


def _write(path: Path, truth: GroundTruth, **more: Any) -> None:
    with whole_file(path) as stream:
        np.savez(stream, ids=truth.ids, distances=truth.distances, **more)


def _read(path: Path) -> GroundTruth | None:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return GroundTruth(stored["ids"], stored["distances"])
    except DAMAGE:
        return None  # it is computed again


def _distances(queries: Vectors, base: Vectors, ids: Vectors, metric: Metric) -> FloatArray:
    result = np.full(ids.shape, np.inf)
    rows, places = np.nonzero(ids >= 0)
    result[rows, places] = pair_distances(queries, base, rows, ids[rows, places], metric)
    return result


def _comparable(distances: FloatArray, metric: Metric) -> FloatArray:
    """Squares for `l2`: what float32 arithmetic computes, and errs in."""
    return np.square(distances) if metric == "l2" else distances


def _slack(
    queries: Vectors, base: Vectors, metric: Metric, distances: FloatArray, rows: NDArray[Any]
) -> FloatArray:
    """How far a ground truth computed in float32 on sane data may be off: (rows, depth)."""
    if metric == "cosine":
        return np.full(distances.shape, 1e-5)
    wide = queries[rows].astype(np.float64)
    sample = base[:: -(-len(base) // 10_000)]
    if metric == "l2":
        wide -= sample.mean(axis=0, dtype=np.float64)
        return np.asarray(1e-5 * (np.square(wide).sum(axis=1)[:, np.newaxis] + distances**2))
    largest = np.linalg.norm(sample.astype(np.float64), axis=1).max()
    size = np.linalg.norm(wide, axis=1)[:, np.newaxis] * largest
    return np.asarray(1e-5 * np.maximum(size, np.abs(distances)))


def _refuse_worse(
    given: GroundTruth, exact: GroundTruth, rows: NDArray[Any], dataset: Dataset, where: str
) -> None:
    """Refuse given neighbors that are farther than the exact ones, which are those of `rows`."""
    width = min(given.depth, exact.depth)
    mine = np.sort(given.distances[rows, :width], axis=1)
    best = exact.distances[:, :width]
    slack = _slack(dataset.queries, dataset.base, dataset.metric, best, rows)
    metric = dataset.metric
    # Behind the end of a shorter row there is nothing to compare.
    with np.errstate(invalid="ignore"):
        worse = np.isfinite(mine) & (_comparable(mine, metric) - _comparable(best, metric) > slack)
    _first(
        worse,
        lambda q, rank: (
            f"{where}: query {rows[q]}: its neighbor at rank {rank} has the {metric} distance "
            f"{mine[q, rank]:.6g} where item {exact.ids[q, rank]} has {best[q, rank]:.6g}: "
            f"not the ground truth of these vectors under {metric}; {_REMEDY}"
        ),
    )


def _first(wrong: NDArray[np.bool_], message: Callable[[int, int], str]) -> None:
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(message(int(row), int(column)))
