"""Whether answers are answers to these queries on this base: their number, ids and distances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.importing.results import Arrays, Result, ResultError
from vbench.metric import FloatArray, metric_of

_QUERIES = 200
"""Queries whose distances are looked at."""
_TOLERANCE = 2e-3
"""Of single precision, and of norms that were rounded before."""


def check_result(result: Result, arrays: Arrays, dataset: Dataset) -> None:
    """Refuse a result that is not one on this dataset.

    Raises
    ------
    ResultError
        What shows it, and what may be the reason.
    """
    where = result.where
    if result.metric:
        said = metric_of(result.metric)
        if said is None:
            raise ResultError(
                f"{where}: measured under {result.metric}; l2, ip and cosine are known"
            )
        if said != dataset.metric:
            raise ResultError(
                f"{where}: measured under {result.metric}; {dataset.name} is searched by "
                f"{dataset.metric}: give the dataset with the metric {said}"
            )
    if arrays.m != dataset.m:
        raise ResultError(
            f"{where}: answers to {arrays.m:,} queries; {dataset.name} has {dataset.m:,}: "
            "it is another dataset"
        )
    if not 1 <= result.k <= dataset.n:
        raise ResultError(f"{where}: K={result.k} of {dataset.n:,} base vectors")
    if arrays.hits is not None and not (arrays.hits.min() >= 0 and arrays.hits.max() <= result.k):
        raise ResultError(f"{where}: recalls are not within 0 … 1")
    if arrays.seconds is not None and not (
        np.isfinite(arrays.seconds).all() and arrays.seconds.min() >= 0
    ):
        raise ResultError(f"{where}: a time is negative, or no number")
    if arrays.ids is not None:
        wrong = (arrays.ids < -1) | (arrays.ids >= dataset.n)
        if wrong.any():
            query, place = np.argwhere(wrong)[0]
            raise ResultError(
                f"{where}: query {query} got id {arrays.ids[query, place]}; {dataset.name} has "
                f"rows 0 … {dataset.n - 1}: it is another dataset, or ids begin with 1"
            )
        if arrays.distances is not None:
            _check_distances(where, arrays.ids, arrays.distances, dataset)


def _check_distances(
    where: str, ids: NDArray[np.int64], distances: FloatArray, dataset: Dataset
) -> None:
    """Refuse distances that are not those of the ids, under any of the metric's spellings."""
    rows = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), _QUERIES)).astype(int))
    ids, given = ids[rows], distances[rows]
    of_row, place = np.nonzero((ids >= 0) & np.isfinite(given))
    if not len(of_row):
        return
    numbers, told = ids[of_row, place], given[of_row, place]
    forms = _forms(
        dataset.queries[rows[of_row]].astype(np.float64),
        np.asarray(dataset.base[numbers], dtype=np.float64),
    )
    wrong = {metric: _worst(metric_forms, told) for metric, metric_forms in forms.items()}
    at = wrong[dataset.metric]
    if at is None:
        return
    others = [metric for metric, each in wrong.items() if each is None]
    if others:
        raise ResultError(
            f"{where}: its distances are those of {' or '.join(others)}; {dataset.name} is "
            f"searched by {dataset.metric}: give the dataset with the metric {others[0]}"
        )
    raise ResultError(
        f"{where}: query {rows[of_row[at]]} has id {numbers[at]} at the distance {told[at]:.6g}; "
        f"here it is {forms[dataset.metric][0][at]:.6g} under {dataset.metric}: it is another "
        "dataset, or its rows stand in another order"
    )


def _forms(queries: FloatArray, base: FloatArray) -> Mapping[str, list[FloatArray]]:
    """Distances of pairs, as tools spell them: our own first."""
    square = np.square(queries - base).sum(axis=1)
    dot = (queries * base).sum(axis=1)
    norms = np.linalg.norm(queries, axis=1) * np.linalg.norm(base, axis=1)
    cosine = np.divide(dot, norms, out=np.zeros_like(dot), where=norms > 0)
    return {
        "l2": [np.sqrt(square), square],
        "ip": [-dot, dot, 1 - dot],
        "cosine": [1 - cosine, cosine, np.sqrt(np.maximum(2 - 2 * cosine, 0))],
    }


def _worst(forms: list[FloatArray], told: FloatArray) -> int | None:
    """The pair that fits least, where no form fits all; None where one does."""
    errors = []
    for form in forms:
        size = np.abs(form) + np.median(np.abs(form)) + 1e-9
        errors.append(np.abs(form - told) / size)
    best = min(errors, key=lambda each: float(np.quantile(each, 0.9)))
    return int(best.argmax()) if best.max() > _TOLERANCE else None
