"""Judgments: read, checked, looked up."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from vbench.data.dataset import Dataset
from vbench.errors import DataError
from vbench.ranking.judgments import read_judgments


def of(dataset: Dataset, **columns: object) -> Dataset:
    """The dataset with these judgments instead."""
    return dataclasses.replace(dataset, relevance=pl.DataFrame(columns))


def test_pairs_are_looked_up_with_their_grade(dataset: Dataset) -> None:
    """A judged pair has its grade, the higher one where it was judged twice; others have 0."""
    known = read_judgments(of(dataset, query=[3, 1, 3], item=[7, 2, 7], grade=[1.0, 2.0, 4.0]))
    assert known.grades(np.array([[3], [1]]), np.array([[7, 2], [7, 2]])).tolist() == [
        [4.0, 0.0],
        [0.0, 2.0],
    ]
    assert known.judged.tolist() == [1, 3]
    assert known.relevant().tolist() == [1, 1]


def test_what_has_no_grade_above_0_is_not_relevant(dataset: Dataset) -> None:
    """Grades of 0 and below are judgments of irrelevance; a query with those alone is unjudged."""
    known = read_judgments(of(dataset, query=[0, 0, 1], item=[1, 2, 3], grade=[1, 0, -1]))
    assert known.judged.tolist() == [0]
    assert known.item.tolist() == [1]
    with pytest.raises(DataError, match="nothing is relevant"):
        read_judgments(of(dataset, query=[0], item=[1], grade=[0]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"query": [0, 1], "item": [3, 300]}, "row 1: item 300 is unknown; the dataset has 300"),
        ({"query": [-1], "item": [3]}, "row 0: query -1 is unknown"),
        ({"query": [0], "document": [3]}, "no column 'item'"),
        ({"query": ["a"], "item": [3]}, "must hold row numbers, it holds String"),
        ({"query": [0, None], "item": [3, 4]}, "with empty rows"),
        ({"query": [0], "item": [3], "grade": ["high"]}, "'grade' must hold numbers"),
        ({"query": [0], "item": [3], "grade": [float("nan")]}, "row 0: the grade is nan"),
    ],
)
def test_judgments_that_do_not_fit_are_refused(
    dataset: Dataset, columns: dict[str, list[object]], message: str
) -> None:
    """The message names the row, what it holds and what is allowed."""
    with pytest.raises(DataError, match=message):
        read_judgments(of(dataset, **columns))


def test_a_dataset_without_judgments_cannot_be_ranked(dataset: Dataset) -> None:
    """The message says which file would hold them."""
    with pytest.raises(DataError, match=r"needs relevance\.parquet"):
        read_judgments(dataclasses.replace(dataset, relevance=None))
