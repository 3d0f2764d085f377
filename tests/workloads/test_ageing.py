"""What an index holds at each search of a runbook, and what a runbook may not say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs.schema import View
from vbench.workloads.ageing import plan_ages
from vbench.workloads.runbook import Runbook, read_workload
from vbench.workloads.steps import Step
from vbench.workloads.views import PlannedView

N = 80
SEARCH = Step(op="search")


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    items = pl.DataFrame({"popularity": [None, *rng.integers(0, 9, N - 1).tolist()]})
    base, queries = gaussian_pair(N, 5, 4, seed=5)
    return Dataset("tiny", base, queries, "cosine", items=items, zero_row_ids=np.array([7]))


def plan(dataset: Dataset, text: str, seed: int = 0) -> list[PlannedView]:
    runbook = read_workload(text, dataset.n - dataset.zero_rows)
    assert runbook is not None
    return plan_ages(dataset, runbook, seed=seed)


def test_static_is_no_runbook() -> None:
    """Nothing happens to the base."""
    assert read_workload("static", N) is None


def test_churn_replaces_every_vector_once(dataset: Dataset) -> None:
    """Four times another quarter, drawn by the seed; what has no direction is never there."""
    views = plan(dataset, "churn")
    assert views[0].view == View(live=N)
    replaced = np.concatenate([change.rows for change in views[-1].changes])
    assert np.unique(replaced).tolist() == [row for row in range(N) if row != 7]
    assert len(replaced) == N
    assert [len(each.changes) for each in views] == [0, 1, 2, 3, 4]
    others = plan(dataset, "churn", seed=1)
    assert (others[1].changes[0].rows != views[1].changes[0].rows).any()
    assert len({each.view.key for each in (*views, *others)}) == 9


def test_growth_follows_the_order_of_an_attribute(dataset: Dataset) -> None:
    """The largest first, what has no value last; every part in one piece."""
    views = plan(dataset, "growth:0.2:-popularity")
    value = dataset.items["popularity"].fill_null(-1).to_numpy()  # type: ignore[index]
    parts = [views[0].fitted, *(change.rows for change in views[-1].changes)]
    rows = np.concatenate([part for part in parts if part is not None])
    assert (np.diff(value[rows]) <= 0).all()
    assert rows[-1] == 0
    assert [each.view.live for each in views] == [16, 32, 47, 63, 79]
    for each in views:
        assert each.allowed is not None
        assert each.allowed.counts().tolist() == [each.view.live] * dataset.m


def test_shares_take_what_can_be_taken(dataset: Dataset) -> None:
    """A share of the base: of what is out, of what is in, of what was replaced least."""
    steps = [
        Step(op="insert", share=0.5),
        Step(op="replace", share=0.25),
        Step(op="replace", share=0.25),
        Step(op="replace", share=0.25),
        Step(op="delete", share=0.125),
        Step(op="insert", share=0.5),
        SEARCH,
    ]
    (view,) = plan_ages(dataset, Runbook("book", tuple(steps)))
    known = np.delete(np.arange(N), 7)
    assert view.fitted is not None
    assert view.fitted.tolist() == known[:40].tolist()
    taken = [change.rows.tolist() for change in view.changes]
    assert taken[0] == known[:20].tolist()
    assert taken[1] == known[20:40].tolist()
    assert taken[2] == known[:20].tolist()
    assert taken[3] == known[:10].tolist()
    assert taken[4] == [*known[:10].tolist(), *known[40:70].tolist()]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("decay", "not known; give static, churn, growth:SHARE"),
        ("growth", "not known"),
        ("growth:", "give the share to fit on"),
        ("growth:2", "between 0 and 1"),
        ("growth:0.999", "must leave some"),
        ("growth:nan", "give the share to fit on"),
        ("growth:0.1:year", "unknown item attribute 'year'"),
        ("nothing.toml", "no such file"),
    ],
)
def test_workloads_that_cannot_be_meant_are_refused(dataset: Dataset, text: str, told: str) -> None:
    """One line: what was given, and what may be."""
    with pytest.raises(VbenchError, match=told):
        plan(dataset, text)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ('op = "insert"\nshare = 0.5', "last step is to be a search"),
        ('op = "grow"', r"step\[0\].op = 'grow'.*allowed: 'insert', 'delete'"),
        ('op = "delete"\nrow = [0, 1]', "unknown key 'row'.*did you mean 'rows'"),
        ('op = "delete"', "needs one of rows"),
        ('op = "delete"\nrows = [0, 2]\nshare = 0.5', "needs one of rows"),
        ('op = "delete"\nrows = [0, 2]\nby = [2, 4]', "by goes with a replace of rows"),
        ('op = "replace"\nshare = 0.5\nby = [2, 4]', "by goes with a replace of rows"),
        ('op = "replace"\nrows = [0, 2]\nby = [2, 5]', "give as many of both"),
        ('op = "replace"\nrows = [0, 2]\nby = [5, 5]', r"by = \[5, 5\]; give the first place"),
        ('op = "delete"\nshare = 0.0', "share = 0; give one above 0"),
        ('op = "delete"\nrows = [4, 4]', r"rows = \[4, 4\]; give the first place"),
        ('op = "search"\nshare = 0.5', "takes neither rows"),
        ('op = "delete"\nshare = 1', r"step\[0\] \(delete\) leaves no vector in the index"),
        ('op = "delete"\nrows = [0, 81]', "goes to place 81 of 79 vectors"),
        ('op = "insert"\nrows = [0, 9]\n[[step]]\nop = "insert"\nrows = [8, 10]',
         r"step\[1\] \(insert\) 1 of its 2 vectors are in the index already"),
        ('op = "insert"\nrows = [0, 9]\n[[step]]\nop = "delete"\nrows = [8, 10]',
         r"step\[1\] \(delete\) 1 of its 2 vectors are not in the index"),
        ('op = "insert"\nrows = [0, 9]\n[[step]]\nop = "replace"\nrows = [8, 10]',
         r"step\[1\] \(replace\) 1 of its 2 vectors are not in the index"),
        ('op = "insert"\nshare = 0.5\n[[step]]\nop = "insert"\nshare = 0.7',
         r"step\[1\] \(insert\) is to take 55 of 39 vectors"),
        ('op = "delete"\nshare = 0.001', r"\(delete\) is to take 0 of 79"),
        ('op = "delete"\nshare = 0.5\norder = "year"', "unknown item attribute 'year'"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_taken_are_refused(
    dataset: Dataset, tmp_path: Path, steps: str, told: str
) -> None:
    """One line with the step, and what is wrong with it."""
    path = tmp_path / "book.toml"
    end = "" if "search" in steps or "last step" in told else '\n[[step]]\nop = "search"\n'
    path.write_text(f"[[step]]\n{steps}{end}")
    with pytest.raises(VbenchError, match=told) as error:
        plan(dataset, str(path))
    assert "\n" not in str(error.value)
