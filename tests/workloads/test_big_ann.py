"""Runbooks of big-ann-benchmarks, and other vectors in the places of some."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.workloads.ageing import plan_ages
from vbench.workloads.runbook import Runbook, read_workload
from vbench.workloads.steps import Step
from vbench.workloads.views import PlannedView

N = 60
BOOK = """
tiny:
  max_pts: 50
  1: {operation: insert, start: 0, end: 30}
  2: {operation: search}
  3: {operation: replace, tags_start: 0, tags_end: 10, ids_start: 40, ids_end: 50}
  4:
    operation: "search"
  5: {operation: "delete", start: 5, end: 12}
  6: {operation: insert, start: 30, end: 35}
  7: {operation: search}
  8: {operation: delete, start: 5, end: 12}
  gt_url: "https://example.org/none"
other:
  1: {operation: insert, start: 0, end: 3}
  2: {operation: search}
"""


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(N, 5, 4, seed=5), "l2")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.yaml"
    path.write_text(BOOK)
    return path


def plan(dataset: Dataset, text: str) -> list[PlannedView]:
    runbook = read_workload(text, dataset.n, dataset.name)
    assert runbook is not None
    return plan_ages(dataset, runbook)


def test_a_tag_is_what_stands_in_its_place(dataset: Dataset, book: Path) -> None:
    """Deleted are the vectors that replaced those of the tags; steps keep their numbers."""
    views = plan(dataset, str(book))
    assert [each.view.step for each in views] == [2, 4, 7]
    live = [np.flatnonzero(each.allowed.of_code(None)).tolist() for each in views if each.allowed]
    assert live == [
        [*range(30)],
        [*range(10, 30), *range(40, 50)],
        [*range(12, 30), *range(30, 35), *range(40, 45)],
    ]
    assert [each.op for each in views[-1].changes] == ["delete", "insert", "delete", "insert"]
    (two,) = plan(dataset, f"{book}:other")
    assert two.view.live == 3


def test_it_runs_like_any_other(dataset: Dataset, book: Path, tmp_path: Path) -> None:
    """An inverted file that looks into every list finds what is there at each step."""
    run = vbench.run(
        dataset,
        "ivf-flat",
        k=3,
        builds=1,
        repeats=1,
        workload=str(book),
        settings={"nlist": [4], "nprobe": [4]},
        out=tmp_path / "run",
    )
    (found,) = run.summary().ageing
    assert found.workload == "book"
    assert [row.measures["Recall@3"].value for row in found.settings] == [1.0] * 3
    assert [(each.step, each.inserted, each.deleted) for each in found.ages] == [
        *((2, 0, 0), (4, 10, 10), (7, 15, 17)),
    ]


def test_a_replaced_place_is_taken(dataset: Dataset) -> None:
    """Neither the vector that stands there nor its tag can be inserted; what has left can."""
    steps = [
        Step(op="insert", rows=(0, 10)),
        Step(op="replace", rows=(0, 2), by=(20, 22)),
        Step(op="replace", rows=(0, 2), by=(30, 32)),
        Step(op="insert", rows=(20, 22)),
        Step(op="search"),
    ]
    (view,) = plan_ages(dataset, Runbook("book", tuple(steps)))
    assert [change.rows.tolist() for change in view.changes] == [
        *([0, 1], [20, 21], [20, 21], [30, 31], [20, 21]),
    ]
    steps[3] = Step(op="replace", rows=(0, 2), by=(0, 2))
    (back,) = plan_ages(dataset, Runbook("book", tuple(steps)))
    assert back.changes[-1].rows.tolist() == [0, 1]
    for rows in ((0, 2), (30, 32)):
        steps[3] = Step(op="insert", rows=rows)
        with pytest.raises(VbenchError, match=r"2 of its 2 vectors are in the index already"):
            plan_ages(dataset, Runbook("book", tuple(steps)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "is no YAML"),
        ("1, 2", "is no runbook of big-ann-benchmarks"),
        ("tiny: {max_pts: 3}", "tiny is to have steps that are numbered 1, 2"),
        ("tiny: {1: {operation: search}, 3: {operation: search}}", "without a gap"),
        ("tiny: {1: {operation: startHPC}}", "tiny, step 1: Invalid value 'startHPC'.*it takes"),
        ("tiny: {1: {operation: insert, start: 0}}", "step 1: .*missing required field `end`"),
        ("tiny: {1: {operation: insert, start: 0, end: 9}}", "the last step is to be a search"),
        ("tiny: {1: {operation: insert, start: 9, end: 9}, 2: {operation: search}}",
         r"step\[1\] \(insert\): rows = \[9, 9\]"),
        ("tiny: {1: {operation: insert, start: 0, end: 99}, 2: {operation: search}}",
         r"step\[1\] \(insert\) goes to place 99 of 60"),
        ("a: {1: {operation: search}}\nb: {1: {operation: search}}",
         r"unknown runbook of .*'tiny' \(known: a, b\); give it as .*wrong.yml:NAME"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(dataset: Dataset, tmp_path: Path, text: str, told: str) -> None:
    """What is wrong, where, and what it may say."""
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    with pytest.raises(VbenchError, match=told) as caught:
        plan(dataset, str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_a_message(dataset: Dataset, tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(VbenchError, match=r"none\.yaml: cannot be read"):
        plan(dataset, str(tmp_path / "none.yaml"))


def test_rows_without_a_direction_are_refused(book: Path) -> None:
    """Its numbers are of rows, and these cannot be inserted."""
    base, queries = gaussian_pair(N, 5, 4, seed=5)
    dataset = Dataset("tiny", base, queries, "cosine", zero_row_ids=np.array([7]))
    with pytest.raises(VbenchError, match="1 have no direction"):
        plan(dataset, str(book))


def test_without_the_package_it_says_what_to_install(
    dataset: Dataset, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line."""
    known = builtins.__import__

    def refuse(name: str, *arguments: Any) -> Any:
        if name == "yaml":
            raise ModuleNotFoundError(name)
        return known(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(VbenchError, match=r"YAML needs: pip install 'vbench-ann\[yaml\]'"):
        plan(dataset, str(book))
