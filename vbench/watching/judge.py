"""What a search was worth, beside the same search made exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.bench.reach import Ids, Target
from vbench.data.dataset import Dataset
from vbench.measures.answers import Answers, repeated
from vbench.measures.hits import Rule
from vbench.measures.places import find_places
from vbench.metric import FloatArray
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import neighbor_distances, pair_distances

_ROUNDING = 1e-5
"""By how much, relative to the largest, distances in order may fall in single precision."""


def exact_of_service(
    target: Target, dataset: Dataset, query: NDArray[Any]
) -> tuple[Ids, FloatArray | None]:
    """The exact list by the service's own exhaustive search, and its distances, ascending.

    Without distances where the list is not in the order of the dataset's vectors: the service has
    others by now, and ties cannot be told.
    """
    ids = target.exact(query)[np.newaxis]
    if ids.max(initial=-1) >= dataset.n:
        return ids[0], None
    distances = neighbor_distances(query[np.newaxis], dataset.base, ids, dataset.metric)
    known = distances[ids >= 0]
    slack = _ROUNDING * np.abs(known).max(initial=0.0)
    if (np.diff(known) < -slack).any():
        return ids[0], None
    return ids[0], np.where(ids[0] < 0, np.nan, np.maximum.accumulate(distances[0]))


def exact_of_dataset(
    dataset: Dataset, query: NDArray[Any], k: int, allowed: NDArray[np.bool_] | None
) -> tuple[Ids, FloatArray]:
    """The exact list over the base vectors of the dataset that pass: (k,) and (k,).

    Behind its end ids are −1 and distances nan.
    """
    rows = np.delete(np.arange(dataset.n), dataset.zero_row_ids) if dataset.zero_rows else None
    if allowed is not None:
        rows = np.flatnonzero(allowed)
    base = dataset.base if rows is None else dataset.base[rows]
    places, distances = nearest(query[np.newaxis], base, dataset.metric, min(k, len(base)))
    ids, found = np.full(k, -1, dtype=np.int64), np.full(k, np.nan)
    count = places.shape[1]
    ids[:count] = places[0] if rows is None else rows[places[0]]
    found[:count] = distances[0]
    return ids, found


def judge(
    dataset: Dataset,
    query: NDArray[Any],
    ids: Ids,
    truth: Ids,
    distances: FloatArray | None,
) -> Answers:
    """One search as the measures take it; ties count where distances are known.

    Parameters
    ----------
    ids, truth : (k,), −1 pads
    distances : (k,), nan behind the end of a shorter list
    """
    k = len(truth)
    given, listed = ids[np.newaxis], truth[np.newaxis]
    rule: Rule = "id" if distances is None else "exact-tie"
    if distances is None:
        distances = np.where(truth < 0, np.nan, np.arange(k, dtype=float))
    far = distances[np.newaxis]

    def distances_of(rows: NDArray[np.intp], found: NDArray[np.integer[Any]]) -> FloatArray:
        result = np.full(len(found), np.inf)
        inside = found < dataset.n
        result[inside] = pair_distances(
            query[np.newaxis], dataset.base, rows[inside], found[inside], dataset.metric
        )
        return result

    place = find_places(given, listed, far, k, dataset.metric, rule, distances_of)
    near = (place > 0) & ~repeated(given)
    possible = int((truth >= 0).sum())
    return Answers(
        k=k,
        ids=given,
        hits=np.minimum(near.sum(axis=1), possible),
        truth_ids=listed,
        truth_distances=far,
        metric=dataset.metric,
        rule=rule,
        ratio=np.ones(1),
        latency_ns=np.empty((1, 0), np.int64),
        place=place,
        allowed=np.array([possible]) if possible < k else None,
    )
