"""The tail in every view of a run, against what follows from the hits that a test gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.tail import TailReport, explain
from vbench.render.markdown import markdown_of_tail
from vbench.runs.run import Run
from vbench.runs.schema import View

# Of two builds, six queries; K=10.
WHOLE = np.array([[0, 10, 10, 10, 10, 10], [0, 10, 10, 9, 10, 10]])
CHEAP = View(key="v0", filter="price < 20", kind="expr")
UNDER = np.array([[0, 2, 10, 8, 10, 10], [0, 3, 10, 10, 10, 5]])
OLD = View(key="v1", workload="churn", step=4)
AGED = np.array([[10, 10, 10, 10, 10, 1], [10, 10, 10, 10, 10, 1]])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One index, whole, under a filter and at an age; a second one that lacks the age."""
    return answered(
        tmp_path / "run",
        {"a": {16: WHOLE}, "b": {8: WHOLE}},
        columns={"kind": ["x", "y", "x", "x", "x", "y"]},
        views={
            CHEAP: {"a": {16: UNDER}, "b": {8: WHOLE}},
            OLD: {"a": {16: AGED}},
        },
    )


def test_each_view_has_its_tail_and_who_falls_there_alone(run: Run) -> None:
    """In most builds under δ there, and not in the first view; the worst first."""
    report = explain(run)
    assert [view.name for view in report.views] == ["none", "price < 20", "churn@4"]
    whole, cheap, old = report.views
    assert [row.index for row in old.indexes] == ["a"]
    first, other = whole.indexes
    assert first.only is None
    assert first.under.value == pytest.approx(2 / 12)
    assert (first.persistent.queries, first.build_dependent.queries) == (1, 0)
    under = cheap.indexes[0]
    assert under.under.value == pytest.approx(6 / 12)
    assert (under.persistent.queries, under.build_dependent.queries) == (2, 2)
    assert under.only is not None
    assert under.only.queries == 1
    assert [(each.query, each.recall, each.elsewhere) for each in under.fallen] == [(1, 0.25, 1.0)]
    (segment,) = (each for each in under.segments if each.share)
    assert (segment.segment, segment.share) == ("y", 0.5)
    assert cheap.indexes[1].only is not None
    assert cheap.indexes[1].only.queries == 0
    assert cheap.indexes[1].fallen == ()
    assert [each.query for each in old.indexes[0].fallen] == [5]
    assert other.recall == first.recall
    assert TailReport.from_json(report.to_json()) == report


def test_a_view_that_is_chosen_stands_alone(run: Run) -> None:
    """So does the only one of a run."""
    chosen = explain(run, view="price < 20")
    assert chosen.views == ()
    assert chosen.indexes[0].under.value == pytest.approx(6 / 12)


def test_a_run_of_one_view_has_no_others(tmp_path: Path) -> None:
    """Nothing changes for it."""
    assert explain(answered(tmp_path / "run", {"a": {16: WHOLE}})).views == ()


def test_views_are_told_in_tables(run: Run) -> None:
    """A table for each, then who falls in one alone."""
    text = markdown_of_tail(explain(run))
    for part in ("The tail in each of 3 views", "**View none**", "**View price",
                 "**View churn@4**", "Under 0.9 there, and not in view none", "kind y (3.0 ×)",
                 "1 (0.250)"):  # fmt: skip
        assert part in text, part
