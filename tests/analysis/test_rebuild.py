"""Builds made again, and their internals."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import vbench
from vbench.analysis.rebuild import explain_internals
from vbench.analysis.tail import choose
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs.run import Run

STEPS = np.arange(30.0, dtype=np.float32)[:, np.newaxis] * [1, 0]


@pytest.fixture
def dataset() -> Dataset:
    """Thirty vectors on a line, in shuffled order, and queries beside three of them."""
    shuffled = np.random.default_rng(2).permutation(30)
    queries = np.array([[2.1, 0.0], [12.1, 0.0], [24.1, 0.0]], dtype=np.float32)
    return vbench.load(STEPS[shuffled], queries=queries, metric="l2", name="line")


def measured(dataset: Dataset, index: str, folder: Path, builds: int = 1) -> Run:
    return vbench.run(dataset, [index], k=4, builds=builds, repeats=1, out=folder)


def silent(number: int) -> None:
    pass


def test_graph_and_lists_are_told_in_the_dataset_s_order(dataset: Dataset, tmp_path: Path) -> None:
    """Insertion order differs by build; what is said of the neighbors does not."""
    run = measured(dataset, "structured:Ladder", tmp_path / "run", builds=2)
    found = explain_internals(choose(run)[0], dataset, 0.9, silent)
    assert found.same.value == 1.0
    assert found.graph is not None
    assert found.lists is not None
    graph = {name: each.value for name, each in msgspec.structs.asdict(found.graph).items()}
    assert graph["reachable"] == pytest.approx(20 / 30)
    # Only the query at 24.1 misses its neighbors, and all four are cut off.
    assert (graph["missed_unreachable"], graph["found_unreachable"]) == (1.0, 0.0)
    assert graph["base_unreachable"] == pytest.approx(10 / 30)
    # Nobody leads to the first and to the first that is cut off.
    assert graph["orphans"] == pytest.approx(2 / 30)
    lists = {name: each.value for name, each in msgspec.structs.asdict(found.lists).items()}
    # Neighbors 1–4 lie in one list; 11–14 and 23–26 too.
    assert (lists["lists"], lists["mean"], lists["most"]) == (3, 1, 1)
    # Two builds that are alike do not say that all are.
    assert found.graph.reachable.spread == 0.0
    assert found.graph.reachable.low is None


def test_a_graph_of_hnswlib_belongs_to_the_measured_build(tmp_path: Path) -> None:
    """Built again from seed and order it gives the very ids of the run, so the graph is its own."""
    rng = np.random.default_rng(4)
    base, queries = rng.normal(size=(600, 8)), rng.normal(size=(20, 8))
    dataset = vbench.load(base, queries=queries, metric="l2", name="cloud")
    run = vbench.run(
        dataset, ["hnsw"], k=5, builds=2, repeats=1, settings={"M": [4], "ef": [5]},
        out=tmp_path / "run",
    )  # fmt: skip
    found = explain_internals(choose(run)[0], dataset, 0.9, silent)
    assert found.same.value == 1.0
    assert found.graph is not None
    assert 0.9 < found.graph.reachable.value <= 1.0
    graph = msgspec.structs.asdict(found.graph)
    shares = [each for name, each in graph.items() if "degree" not in name]
    ends = [end for each in shares for end in (each.value, each.low, each.high) if end is not None]
    assert all(0.0 <= end <= 1.0 for end in ends)
    assert 1 < found.graph.out_degree.value <= 8
    assert found.lists is None


def test_an_index_that_shows_nothing_is_no_error(dataset: Dataset, tmp_path: Path) -> None:
    """Not even where it uses the methods' names for something else."""
    run = measured(dataset, "structured:Named", tmp_path / "run")
    found = explain_internals(choose(run)[0], dataset, 0.9, silent)
    assert (found.graph, found.lists) == (None, None)


def test_an_index_that_is_never_the_same_is_found_out(dataset: Dataset, tmp_path: Path) -> None:
    """The share of queries with the same ids says whether this is the build of the run."""
    run = measured(dataset, "structured:Restless", tmp_path / "run")
    found = explain_internals(choose(run)[0], dataset, 0.9, silent)
    assert found.same.value < 1.0


@pytest.mark.parametrize(
    ("shows", "says"),
    [
        ("far", "neighbors lead to vector 35, and there are 30"),
        ("before", "entries lead to vector -2, and there are 30"),
        ("floats", r"neighbors are float64 of shape \(30, 1\); give integers \(30, degree\)"),
        ("short", r"neighbors are int64 of shape \(3, 1\)"),
        ("words", r"neighbors\(\) gave str: it gives"),
    ],
)
def test_what_is_no_graph_is_said(dataset: Dataset, tmp_path: Path, shows: str, says: str) -> None:
    """A plug-in that shows something else is told what, and what to give."""
    options: dict = {"k": 4, "builds": 1, "repeats": 1, "settings": {"shows": [shows]}}
    run = vbench.run(dataset, ["structured:Astray"], out=tmp_path / "run", **options)
    with pytest.raises(VbenchError, match=says):
        explain_internals(choose(run)[0], dataset, 0.9, silent)


def test_rows_that_no_index_got_are_in_no_count(tmp_path: Path) -> None:
    """Zero vectors under cosine: a graph of all others reaches all that there is."""
    rng = np.random.default_rng(4)
    base, queries = rng.normal(size=(300, 8)), rng.normal(size=(20, 8))
    base[[0, 150, 299]] = 0.0
    with pytest.warns(UserWarning, match="3 of 300 base vectors are zero"):
        dataset = vbench.load(base, queries=queries, metric="cosine", name="hollow")
    run = measured(dataset, "hnsw", tmp_path / "run")
    found = explain_internals(choose(run, settings=["ef=64"])[0], dataset, 0.9, silent)
    assert found.graph is not None
    assert found.graph.reachable.value == 1.0
    assert found.graph.orphans.value == 0.0


def test_an_index_that_was_edited_is_not_looked_into(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its graph is like now says nothing of what was measured."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    source = "from structured import *\nclass Mine(Ladder): pass\n"
    (tmp_path / "edited.py").write_text(source)
    run = measured(dataset, "edited:Mine", tmp_path / "run")
    (tmp_path / "edited.py").write_text(source + "# another\n")
    with pytest.raises(VbenchError, match="its code changed since it was measured"):
        explain_internals(choose(run)[0], dataset, 0.9, silent, trust=True)
