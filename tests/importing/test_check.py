"""Whether results are answers on a dataset: what shows that they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imported import K, N, answers_on, write_dataset

from vbench.data.dataset import Dataset
from vbench.data.load import load
from vbench.importing.check import check_result
from vbench.importing.results import Arrays, Result, ResultError


def check(dataset: Dataset, arrays: Arrays, k: int = K, metric: str = "") -> None:
    result = Result(
        tool="VIBE",
        file=Path("f.hdf5"),
        algorithm="x",
        parameters={},
        build=(),
        k=k,
        metric=metric,
        read=lambda: arrays,
    )
    check_result(result, arrays, dataset)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return load(write_dataset(tmp_path))


def answered(data: Dataset, **changes: Any) -> Arrays:
    ids, distances = answers_on(data)
    given = {"ids": ids.astype(np.int64), "distances": distances.astype(np.float64), **changes}
    return Arrays(**given)


def test_answers_of_these_vectors_pass(data: Dataset) -> None:
    """With the word of another tool for the metric, and pads."""
    arrays = answered(data)
    assert arrays.ids is not None
    assert arrays.distances is not None
    arrays.ids[0, -1], arrays.distances[0, -1] = -1, np.inf
    check(data, arrays, metric="euclidean")


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("form", ["own", "square", "similarity", "one minus"])
def test_distances_are_spelt_in_many_ways(tmp_path: Path, metric: Any, form: str) -> None:
    """Squares for l2; similarities and one minus them for the other two."""
    data = load(write_dataset(tmp_path), metric=metric)
    arrays = answered(data)
    assert arrays.distances is not None
    own = arrays.distances
    spelt = {
        "own": own,
        "square": own**2 if metric == "l2" else own,
        "similarity": {"l2": own, "ip": -own, "cosine": 1 - own}[metric],
        "one minus": {"l2": own, "ip": 1 + own, "cosine": own}[metric],
    }[form]
    check(data, answered(data, distances=spelt))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "angular"}, "give the dataset with the metric cosine"),
        ({"metric": "hamming"}, "measured under hamming"),
        ({"k": N + 1}, "K=121 of 120"),
    ],
)
def test_another_metric_or_k_is_refused(data: Dataset, changes: Any, said: str) -> None:
    """What the file says of itself is believed first."""
    with pytest.raises(ResultError, match=said):
        check(data, answered(data), **changes)


def test_ids_that_begin_with_one_are_refused(data: Dataset) -> None:
    """The first query that shows it is named."""
    ids = answers_on(data)[0].astype(np.int64)
    ids[3, 2] = N
    with pytest.raises(ResultError, match=r"query 3 got id 120.*rows 0 … 119"):
        check(data, answered(data, ids=ids))


def test_distances_of_another_metric_name_it(data: Dataset) -> None:
    """A file that says no metric may still be seen to be of another."""
    rows = answers_on(data)[0].astype(np.int64)
    cosine = 1 - np.einsum("mkd,md->mk", data.base[rows], data.queries) / (
        np.linalg.norm(data.base[rows], axis=2)
        * np.linalg.norm(data.queries, axis=1)[:, np.newaxis]
    )
    with pytest.raises(ResultError, match="distances are those of cosine"):
        check(data, answered(data, distances=cosine))


def test_distances_of_other_vectors_are_refused(data: Dataset) -> None:
    """Ids of rows in another order find the right range and the wrong distances."""
    ids = (answers_on(data)[0].astype(np.int64) + 7) % N
    with pytest.raises(ResultError, match="another dataset, or its rows stand in another order"):
        check(data, answered(data, ids=ids))


def test_other_numbers_of_queries_are_refused(data: Dataset) -> None:
    """They cannot be answers to these."""
    arrays = Arrays(ids=answers_on(data)[0][:7].astype(np.int64))
    with pytest.raises(ResultError, match="answers to 7 queries"):
        check(data, arrays)


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_impossible_times_are_refused(data: Dataset, wrong: float) -> None:
    """Negative, or no number."""
    seconds = np.full(data.m, 1e-5)
    seconds[4] = wrong
    with pytest.raises(ResultError, match="a time is negative"):
        check(data, answered(data, seconds=seconds))


def test_impossible_hits_are_refused(data: Dataset) -> None:
    """More than K of K."""
    hits = np.full(data.m, K + 1, np.int32)
    with pytest.raises(ResultError, match="within 0 … 1"):
        check(data, Arrays(hits=hits))
