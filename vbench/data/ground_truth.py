"""Ground truth of a dataset: computed by shards, kept on disk, resumed where it stopped."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vbench import _paths
from vbench._leftovers import sweep_once
from vbench._locks import hold_lock
from vbench._process.cores import usable_cores
from vbench.data.arrays import DAMAGE
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.files import whole_file
from vbench.data.given_ground_truth import refuse_worse
from vbench.errors import DataError
from vbench.metric import FloatArray
from vbench.neighbors.exact import merge, nearest
from vbench.neighbors.space import Ids, neighbor_distances

_SHARD_PRODUCTS = 2.5e11
"""Multiplications in a shard: some ten seconds of each core, which is what a kill can cost."""

_SHARD_ROWS = 50_000
"""Rows times dimensions in a shard, for each neighbor: the answer so far is written after it,
and that must cost little beside it."""

HARDNESS_DEPTH = 200
"""Neighbors that measures of hardness look at: `lid` at 100, `expansion` at twice a K up to 100."""
_MORE = 100


def depth_beside(k: int) -> int:
    """How many neighbors are kept for answers of `k`: those behind the last show what ties with it.

    Twice as many, but no more than some; of 1,000 each one more is as large as an answer's.
    """
    return k + min(k, _MORE)


def compute_ground_truth(
    dataset: Dataset,
    depth: int,
    *,
    threads: int | None = None,
    shard_rows: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: bool = True,
    device: str = "cpu",
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
    device
        Where products are made: ``cpu``, or a GPU such as ``cuda``; the answer is the same.

    Raises
    ------
    MissingExtraError, VbenchError
        The GPU cannot be used.
    DataError
        NaN, Inf or (under `cosine`) zero queries; `given_ground_truth` that is not that of these
        vectors, naming its first wrong query.
    """
    if depth < 1:
        raise DataError(f"depth of the ground truth must be at least 1, got {depth}")
    depth = min(depth, dataset.n)
    find = _finder(device, threads or len(usable_cores()))
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
                    truth = _computed(dataset, depth, find, threads, shard_rows, progress, folder)
                    _write(kept, truth)
        # What a process left that died between its last shard and its end.
        with contextlib.suppress(OSError):
            (folder / f"unfinished-{depth}.npz").unlink()
    else:
        truth = _computed(dataset, depth, find, threads, shard_rows, progress, None)
    if dataset.given_ground_truth is not None:
        everyone = np.arange(dataset.m)
        refuse_worse(
            dataset.given_ground_truth, truth, everyone, dataset, f"ground truth of {dataset.name}"
        )
    return truth


def kept_ground_truth(dataset: Dataset, depth: int) -> GroundTruth | None:
    """The exact `depth` nearest of every query, where they are kept already."""
    return _cached(_paths.home() / "truth" / dataset.fingerprint, dataset, depth)


def keep_ground_truth(dataset: Dataset, truth: GroundTruth) -> None:
    """Keep exact neighbors that were found elsewhere as if they had been computed here."""
    folder = _paths.home() / "truth" / dataset.fingerprint
    depth = min(truth.ids.shape[1], dataset.n)
    if _cached(folder, dataset, depth) is None:
        _write(folder / f"depth-{depth}.npz", narrowed(dataset, truth))


def narrowed(dataset: Dataset, truth: GroundTruth) -> GroundTruth:
    """The same, its ids in the type in which they are kept."""
    narrow = np.int32 if dataset.n <= np.iinfo(np.int32).max else np.int64
    return GroundTruth(truth.ids.astype(narrow, copy=False), truth.distances)


def _finder(device: str, threads: int) -> Callable[..., tuple[Ids, FloatArray]]:
    """What searches a shard: on the CPU, or on a GPU."""
    if device == "cpu":
        return functools.partial(nearest, threads=threads)
    # torch is imported where it is asked for.
    from vbench.neighbors.gpu import nearest_on, open_gpu

    gpu = open_gpu(device)

    def find(*given: Any, limit: FloatArray | None, **more: Any) -> tuple[Ids, FloatArray]:
        return nearest_on(gpu, *given, threads=threads, **more)

    return find


def _computed(
    dataset: Dataset,
    depth: int,
    find: Callable[..., tuple[Ids, FloatArray]],
    threads: int | None,
    shard_rows: int | None,
    progress: Callable[[int, int], None] | None,
    folder: Path | None,
) -> GroundTruth:
    """Go through the shards in order; the best so far bounds what the next one looks for."""
    threads = threads or len(usable_cores())
    products = threads * _SHARD_PRODUCTS / dataset.m
    step = shard_rows or int(max(products, _SHARD_ROWS * depth) / dataset.d) + 1
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
        part = find(
            dataset.queries,
            dataset.base,
            dataset.metric,
            depth,
            start=first,
            stop=stop,
            limit=best.distances[:, -1] if best else None,
            progress=advance,
        )
        best = GroundTruth(*merge((best.ids, best.distances), part) if best else part)
        if unfinished and stop < dataset.n:
            _write(unfinished, best, stop=np.int64(stop))
    assert best is not None
    return narrowed(dataset, best)


def _resumed(path: Path, dataset: Dataset, depth: int) -> tuple[GroundTruth | None, int]:
    """Read how far an earlier process came, and the best until there."""
    best, stop = _read(path)
    if best is None or not 0 < stop < dataset.n or not _fits(best, dataset.m, depth):
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


def _cached(folder: Path, dataset: Dataset, depth: int) -> GroundTruth | None:
    """Find the shallowest one kept that is deep enough; what is damaged is passed over."""
    known = ((path.stem.partition("-")[2], path) for path in folder.glob("depth-*.npz"))
    kept = sorted((int(number), path) for number, path in known if number.isdecimal())
    for deep, path in kept:
        if deep < depth:
            continue
        truth, _ = _read(path)
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
    again = neighbor_distances(dataset.queries[few], dataset.base, ids[few], dataset.metric)
    return bool(np.allclose(again, distances[few], rtol=1e-9, atol=1e-12))


def _write(path: Path, truth: GroundTruth, **more: Any) -> None:
    with whole_file(path) as stream:
        np.savez(stream, ids=truth.ids, distances=truth.distances, **more)


def _read(path: Path) -> tuple[GroundTruth | None, int]:
    """What is kept, and up to which row; nothing where it is damaged: it is computed again."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            truth = GroundTruth(stored["ids"], stored["distances"])
            return truth, int(stored["stop"]) if "stop" in stored else 0
    except DAMAGE:
        return None, 0
