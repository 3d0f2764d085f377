"""Filters as conditions, end to end: a database gets trees where there are some, else masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.predicate import Comparison, Junction
from vbench.workloads.allowed import Allowed
from vbench.workloads.filters import read_filter

N, M, K = 200, 20, 5
TREES = [
    "price < 30",
    "price >= 20 and not (color = 'red' or year is null)",
    "price:0-50%",
    "query:color",
    "query:color & price < 60",
]
MASKS = ["random:0.3", "seen", "price + year > 2000", "seen & price < 50"]


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    years = [None if each < 1910 else each for each in rng.integers(1900, 2000, N).tolist()]
    colors = ["red", "green", "it's blue"]
    items = pl.DataFrame(
        {"price": rng.permutation(N), "year": years, "color": rng.choice(colors, N)}
    )
    seen = pl.DataFrame({"query": rng.integers(0, M, 300), "item": rng.integers(0, N, 300)})
    segments = pl.DataFrame({"color": rng.choice([*colors, "none"], M)})
    return Dataset(
        "tiny", *gaussian_pair(N, M, 4, seed=5), "l2", items=items, interactions=seen,
        segments=segments, zero_row_ids=np.array([4]),
    )  # fmt: skip


def once(dataset: Dataset, index: object, out: Path, **changes: object) -> vbench.Run:
    options: dict = {"k": K, "builds": 1, "repeats": 1, "out": out, "masks": 1}
    return vbench.run(dataset, index, **options | changes)


def test_a_database_answers_under_conditions(dataset: Dataset, tmp_path: Path) -> None:
    """With the attributes of its own rows; what is no tree comes as a mask alone."""
    run = once(dataset, "conditions:Sqlite", tmp_path / "run", filters=[*TREES, *MASKS])
    assert not run.manifest.failures
    for view in run.manifest.views:
        (setting,) = run.in_view(view).settings()
        assert setting.recall == 1.0, view.filter


def test_trees_come_wherever_a_filter_is_one(dataset: Dataset, tmp_path: Path) -> None:
    """An index that takes no masks answers under these, and fails under others."""
    run = once(dataset, "conditions:TreesOnly", tmp_path / "run", filters=TREES, builds=1)
    assert not run.manifest.failures
    with pytest.warns(vbench.VbenchWarning, match="a condition is needed"):
        run = once(dataset, "conditions:TreesOnly", tmp_path / "run", filters=MASKS, builds=1)
    assert len(run.manifest.failures) == len(MASKS)


def test_conditions_hold_while_the_base_changes(dataset: Dataset, tmp_path: Path) -> None:
    """What is added comes with its attributes."""
    for workload in ("churn", "growth:0.4:-price"):
        run = once(
            dataset, "conditions:TreesOnly", tmp_path / workload, workload=workload,
            filters="price < 150 and color != 'red'", builds=1,
        )  # fmt: skip
        assert not run.manifest.failures
        for view in run.manifest.views[1:]:
            (setting,) = run.in_view(view).settings()
            assert setting.recall == 1.0, (view.step, view.filter)


def test_other_attributes_are_another_build(dataset: Dataset, tmp_path: Path) -> None:
    """Of an index that takes them; the others do not care."""
    other = Dataset(
        "tiny", dataset.base, dataset.queries, "l2", zero_row_ids=np.array([4]),
        items=dataset.items.with_columns(price=pl.lit(3)),  # type: ignore[union-attr]
    )  # fmt: skip
    keys = [
        {build.index: build.key for build in run.manifest.builds}
        for number, data in enumerate((dataset, other))
        for run in [once(data, ["conditions:Sqlite", "flat"], tmp_path / str(number), builds=1)]
    ]
    assert keys[0]["flat"] == keys[1]["flat"]
    assert keys[0]["conditions:Sqlite"] != keys[1]["conditions:Sqlite"]


def test_an_index_that_needs_attributes_is_refused_without(tmp_path: Path) -> None:
    """One line that says what to give."""
    bare = Dataset("bare", *gaussian_pair(N, M, 4, seed=5), "l2")
    with pytest.raises(VbenchError, match="needs attributes of the items; give some with items"):
        once(bare, "conditions:Needs", tmp_path / "run")
    once(bare, "conditions:Sqlite", tmp_path / "without", builds=1)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("price < 30", Comparison("price", "<", 30)),
        ("price:0-25%", Junction("and", (Comparison("price", ">=", 0),
                                         Comparison("price", "<=", 49)))),
        ("price + 1 < 30", None),
        ("random:0.5", None),
        ("price < 30 & random:0.5", None),
        ("seen", None),
    ],
)  # fmt: skip
def test_a_filter_says_its_tree(dataset: Dataset, tmp_path: Path, text: str, tree: object) -> None:
    """Also to another process; what says something else to polars says none."""
    allowed = read_filter(text).resolve(dataset, 0)
    assert allowed.predicate_of(None) == tree
    allowed.save(tmp_path / "allowed.npz")
    assert Allowed.load(tmp_path / "allowed.npz").predicate_of(None) == tree


def test_a_filter_of_the_query_says_a_tree_for_each_value(dataset: Dataset) -> None:
    """Of a value that no item has, one that passes nothing."""
    allowed = read_filter("query:color & price < 9").resolve(dataset, 0)
    assert allowed.query_codes is not None
    cheap = Comparison("price", "<", 9)
    for row in range(M):
        color = dataset.segments["color"][row]  # type: ignore[index]
        tree = allowed.predicate_of(int(allowed.query_codes[row]))
        expected = None if color == "none" else color
        assert tree == Junction("and", (cheap, Comparison("color", "=", expected)))


def test_quantiles_that_cut_through_equal_values_are_no_tree(dataset: Dataset) -> None:
    """Rows decide there."""
    items = pl.DataFrame({"price": [1] * 150 + [2] * 50})
    same = Dataset("same", dataset.base, dataset.queries, "l2", items=items)
    assert read_filter("price:0-50%").resolve(same, 0).predicate_of(None) is None
    assert read_filter("price:0-75%").resolve(same, 0).predicate_of(None) is not None
