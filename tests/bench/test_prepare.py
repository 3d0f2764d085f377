"""A call is checked before anything is made: what was given, and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.bench.prepare import WARMUP, MeasureOptions, prepare
from vbench.data.dataset import Dataset, Learn
from vbench.errors import DataError, VbenchError


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("made/up", *gaussian_pair(60, 5, 4), "l2")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"timeout": 0}, "timeout=0; give a number above 0, or None"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"memory_limit": -1}, "memory_limit=-1"),
        ({"threads": 0}, "threads=0; this process may use .* cores, give 1 to"),
        ({"threads": 10_000}, "threads=10000"),
        ({"recall_rule": "ids"}, "recall_rule: 'ids'; did you mean 'id'. .*exact-tie, id"),
        ({"at_recall": 0.0}, "at_recall=0; give a mean recall above 0, up to 1"),
        ({"at_recall": 1.01}, "at_recall=1.01"),
        ({"k": []}, "k=.*give a whole number from 1 on"),
        ({"k": 2.0}, r"k=2\.0"),
        ({"k": 0}, "0"),
        ({"k": 61}, "61.*60"),
        ({"builds": 0}, "builds=0; give a whole number from 1 on"),
        ({"builds": 1.5}, "builds=1.5"),
        ({"repeats": 0}, "repeats=0"),
        ({"seed": -1}, "seed=-1; give a whole number from 0 on"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(
    dataset: Dataset, changes: dict[str, Any], says: str
) -> None:
    """The message names it, and what may be given."""
    with pytest.raises(VbenchError, match=says):
        prepare(dataset, "flat", None, MeasureOptions(**changes))


def test_what_is_at_the_edge_is_allowed(dataset: Dataset) -> None:
    """Numbers of numpy too; K come back sorted, each once."""
    asked = MeasureOptions(
        k=np.array([60, 1, 60]), at_recall=1.0, builds=np.int64(1), repeats=1, seed=0
    )
    options = prepare(dataset, "flat", None, asked).options
    assert (options.k, options.builds, options.at_recall) == ([1, 60], 1, 1.0)
    assert type(options.builds) is int
    assert options.warmup == 60
    larger = Dataset("l", *gaussian_pair(WARMUP + 1, 5, 2), "l2")
    assert prepare(larger, "flat", None, MeasureOptions()).options.warmup == WARMUP


def test_settings_are_chosen_later_where_a_recall_is_asked_for(dataset: Dataset) -> None:
    """Or where the caller says so, as tuning does."""
    assert prepare(dataset, "flat", None, MeasureOptions()).plan.groups == []
    assert prepare(dataset, "flat", None, MeasureOptions(at_recall=0.9)).plan.groups
    assert prepare(dataset, "flat", None, MeasureOptions(), chosen_later=True).plan.groups


def test_some_index_is_given(dataset: Dataset) -> None:
    """One name stands for itself."""
    with pytest.raises(VbenchError, match="no index given; name at least one"):
        prepare(dataset, [], None, MeasureOptions())
    assert [
        each.index for each in prepare(dataset, "flat", None, MeasureOptions(builds=1)).plan.builds
    ] == ["flat"]


def test_a_run_is_named_by_data_indexes_and_plan(dataset: Dataset) -> None:
    """In characters that every system takes, and with the first three of many indexes."""
    named = prepare(dataset, ["flat", "hnsw"], None, MeasureOptions())
    assert named.run_id == f"made_up-flat-hnsw-{named.plan.identity[:8]}"
    many = prepare(dataset, ["flat", "hnsw", "ivf-flat", "lsh", "nsg"], None, MeasureOptions())
    assert many.run_id.startswith("made_up-flat-hnsw-ivf-flat-and-2-more-")
    long = Dataset("x" * 300, dataset.base, dataset.queries, "l2")
    assert len(prepare(long, "flat", None, MeasureOptions()).run_id) == 89


def test_nothing_that_is_asked_can_be_learned_from() -> None:
    """Not even of a dataset that was put together by hand."""
    base, queries = gaussian_pair(60, 5, 4)
    for learn, says in (
        (queries[3:], "2 of 2 queries to learn from are asked"),
        (base[:, :3], "3 d"),
    ):
        made = Dataset("mine", base, queries, "l2", learn=Learn(learn))
        with pytest.raises(DataError, match=says):
            prepare(made, "learners:Needed", {}, MeasureOptions())
    wrong: Any = queries
    with pytest.raises(DataError, match=r"learn is a Learn, which vbench\.load makes of queries"):
        Dataset("mine", base, queries, "l2", learn=wrong)
