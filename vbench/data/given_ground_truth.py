"""Ground truth that came with the data: checked against the vectors, refused where it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench._process.cores import usable_cores
from vbench.data.arrays import signed_ids
from vbench.data.dataset import Dataset, GroundTruth
from vbench.errors import DataError
from vbench.metric import FloatArray, Metric
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import neighbor_distances

Vectors = NDArray[Any]

_SAMPLE_QUERIES = 16
_SAMPLE_DEPTH = 100


def _remedy() -> str:
    return (
        "bring the ground truth of these very vectors, or leave it out "
        f"({spell_option('ground_truth', False)}): it is computed anyway"
    )


def check_ground_truth(
    ids: Vectors, queries: Vectors, base: Vectors, metric: Metric, *, where: str
) -> GroundTruth:
    """Check ground truth that came with a file, and give it distances of our own.

    Looked at are shape, range, repeated ids and the order of every query; for a sample of the
    queries the exact neighbors are found again. Where the ground truth is computed, all of them
    are compared.

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
            f"needed, a row for each query; {_remedy()}"
        )
    if not np.issubdtype(ids.dtype, np.integer):
        raise DataError(f"{where}: ground truth must hold integer ids, got {ids.dtype}")
    ids = signed_ids(ids)
    pads = ids == -1
    _first(
        ((ids < 0) & ~pads) | (ids >= len(base)) | (pads[:, :1] if pads[:, 0].all() else False),
        lambda q, rank: (
            f"{where}: query {q}: neighbor {ids[q, rank]} (rank {rank}) is outside 0 … "
            f"{len(base) - 1}: not the ground truth of these vectors; {_remedy()}"
        ),
    )
    _first(
        pads[:, :-1] & ~pads[:, 1:],
        lambda q, rank: (
            f"{where}: query {q}: no neighbor at rank {rank}, but one behind it; only the end of "
            f"a row may be padded with -1; {_remedy()}"
        ),
    )
    ordered = np.sort(ids, axis=1)
    _first(
        (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0),
        lambda q, at: f"{where}: query {q}: id {ordered[q, at]} is there twice; {_remedy()}",
    )
    distances = neighbor_distances(queries, base, ids, metric)
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
            f"{_remedy()}"
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
    refuse_worse(truth, exact, sample, dataset, where)
    return truth


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


def refuse_worse(
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
            f"not the ground truth of these vectors under {metric}; {_remedy()}"
        ),
    )


def _first(wrong: NDArray[np.bool_], message: Callable[[int, int], str]) -> None:
    if wrong.any():
        row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(message(int(row), int(column)))
