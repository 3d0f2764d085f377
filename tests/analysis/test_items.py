"""The items' side of a setting, from a run's files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from run_folder import RunFolder

from vbench.analysis.items import Items, items_of
from vbench.data.dataset import GroundTruth
from vbench.runs import tables
from vbench.runs.run import Run
from vbench.runs.settings import Setting
from vbench.runs.vectors import Names

# Six queries, K = 2: item 0 is in five exact lists, 1 in two, 2 … 6 in one.
TRUTH = [[0, 1], [0, 1], [0, 2], [0, 3], [0, 4], [5, 6]]
# The first build loses 1, 2 and 5; the second 1, 3 and 5. Nobody's list has 9.
ANSWERS = (
    [[0, 9], [0, 9], [0, 9], [0, 3], [0, 4], [6, 9]],
    [[0, 9], [0, 9], [0, 2], [9, -1], [9, 4], [6, 6]],
)
KIND = ["a", "a", "b", "b", "b", "b", "b", "a", "a", "a"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    truth = np.array(TRUTH, dtype=np.int32)
    folder = RunFolder(
        tmp_path / "run", GroundTruth(truth, np.tile([1.0, 2.0], (6, 1))), {"user": list("uuvvww")}
    )
    for number, given in enumerate(ANSWERS):
        ids = np.array(given, dtype=np.int32)
        hits = np.array([len({*row} & {*true}) for row, true in zip(given, TRUTH, strict=True)])
        folder.answer(folder.trial(folder.build("a", number), 16, 2), ids, hits)
    columns = pl.DataFrame({"kind": KIND, "text": [f"item {i}" for i in range(10)]})
    names = pl.Series("id", [f"i-{i}" for i in range(10)])
    tables.write_items(folder.folder, np.arange(10), columns, names)
    return folder.close()


def of(run: Run, number: int = 10) -> Items:
    (setting,) = run.settings()
    found = items_of(setting, setting.answers(), number=number, names=Names.of(run))
    assert found is not None
    return found


def test_items_are_counted_over_builds(run: Run) -> None:
    """Mean over builds, in every build, in some but not all: shares of the listed items."""
    found = of(run)
    assert found.items == 7
    assert found.lost.value == pytest.approx(3 / 7)
    assert (found.in_every_build.items, found.in_every_build.share) == (2, 2 / 7)
    assert (found.in_some_builds.items, found.in_some_builds.share) == (2, 2 / 7)
    assert found.recall.value == pytest.approx(np.mean([4 / 7, (0.6 + 3) / 7]))
    # Item 0 alone stands in five lists, and gets 5 and 3 of them.
    assert found.robustness is not None
    assert found.lost_often is not None
    assert (found.robustness.value, found.lost_often.value) == (1.0, 0.0)
    for part in (found.in_every_build, found.in_some_builds):
        assert 0 <= part.low < part.share < part.high <= 1


def test_lost_items_are_named_those_of_most_builds_and_lists_first(run: Run) -> None:
    """With their id, and what is known of them."""
    found = of(run).lost_items
    assert [(each.id, each.lists, each.builds) for each in found] == [
        ("i-1", 2, 2),
        ("i-5", 1, 2),
        ("i-2", 1, 1),
        ("i-3", 1, 1),
    ]
    assert found[0].columns == {"kind": "a", "text": "item 1"}
    assert [each.item for each in of(run, 1).lost_items] == [1]
    assert of(run, 0).lost_items == ()


def test_items_are_divided_by_lists_and_by_their_columns(run: Run) -> None:
    """By how many queries should get them, and by columns that divide; ids divide nothing."""
    rows = {(row.column, row.segment): row for row in of(run).groups}
    assert list(rows) == [
        ("exact lists", "1"),
        ("exact lists", "2 – 4"),
        ("exact lists", "5 – 9"),
        ("kind", "a"),
        ("kind", "b"),
    ]
    assert [row.items for row in rows.values()] == [5, 1, 1, 2, 5]
    b = rows["kind", "b"]
    assert (b.share, b.in_every_build) == (pytest.approx(4 / 10), pytest.approx(1 / 5))
    assert b.of_lost == pytest.approx(4 / 6)
    assert b.lift == pytest.approx((4 / 10) / (3 / 7))
    assert b.low < b.share < b.high
    assert rows["exact lists", "2 – 4"].share == 1.0


def test_columns_that_are_not_known_of_each_item_divide_nothing(run: Run) -> None:
    """As in a folder whose table is of fewer items."""
    kept = np.arange(4)
    tables.write_items(run.path, kept, pl.DataFrame({"kind": KIND[:4]}), None)
    found = of(Run(run.path))
    assert {row.column for row in found.groups} == {"exact lists"}
    assert {each.item: each.columns for each in found.lost_items} == {1: {}, 5: {}, 2: {}, 3: {}}


def test_exposure_is_of_all_base_vectors(run: Run) -> None:
    """Gini of how often each of them is shown, by exact search and by the index."""
    found = of(run).exposure

    def gini(lists: list[list[int]]) -> float:
        counts = np.zeros(run.manifest.dataset.n)
        for row in lists:
            for item in {*row} - {-1}:
                counts[item] += 1
        pairs = np.abs(counts[:, np.newaxis] - counts).mean()
        return float(pairs / (2 * counts.mean()))

    assert found.exact.value == pytest.approx(gini(TRUTH))
    assert found.index.value == pytest.approx(np.mean([gini(each) for each in ANSWERS]))
    assert found.exact_items == 7
    assert found.index_items == np.mean([5, 5])
    assert found.exact.value is not None
    assert found.index.value is not None
    more = found.index.value - found.exact.value
    assert found.difference.value == pytest.approx(more)


def test_without_ids_nothing_is_said(run: Run) -> None:
    """Rather than that everything is lost."""
    (setting,) = run.settings()
    bare = [dataclasses.replace(each, ids=np.empty((6, 0), np.int32)) for each in setting.answers()]
    assert items_of(setting, bare) is None


def test_queries_of_one_user_are_one(run: Run) -> None:
    """Three users instead of six queries: the same shares, other intervals."""
    setting: Setting
    (setting,) = run.settings()
    alone = items_of(setting, setting.answers())
    together = items_of(setting, setting.answers(), run.clusters("user"))
    assert alone is not None
    assert together is not None
    assert together.lost.value == alone.lost.value
    assert together.lost != alone.lost
    assert together.exposure.exact != alone.exposure.exact
