"""The tail explained from a run's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from run_folder import answered

from vbench._document import Estimated, Interval
from vbench.analysis.internals import GraphInternals, Internals, internals_of, store_internals
from vbench.analysis.segments import SegmentRow
from vbench.analysis.shares import QueryShare
from vbench.analysis.tail import TailReport, TailRow, choose, explain
from vbench.analysis.worst import Neighbor
from vbench.errors import VbenchError
from vbench.runs import files, tables
from vbench.runs.run import Run

# Queries 0 and 1 fail in every build, 2 in one, the others never.
HITS = np.array([[0, 3, 0, 10, 10, 10], [1, 3, 10, 10, 10, 10]])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A narrow and a wide setting of one index, and another index that serves query 1."""
    other = np.array([[0, 10, 10, 10, 10, 0]] * 2)
    return answered(
        tmp_path / "run",
        {"a": {16: HITS // 2, 32: HITS}, "b": {8: other}},
        columns={"kind": ["x", "y"] * 3},
    )


def of(report: TailReport, index: str) -> TailRow:
    return next(row for row in report.indexes if row.index == index)


def span(part: QueryShare | SegmentRow) -> Interval:
    return Interval(part.share, part.low, part.high)


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_the_worst_come_first_persistent_before_build_dependent(run: Run) -> None:
    """Persistent by rising hits, then build-dependent; queries that never fail are not there."""
    worst = of(explain(run), "a").worst
    assert [(row.query, row.kind) for row in worst] == [
        (0, "persistent"),
        (1, "persistent"),
        (2, "build_dependent"),
    ]
    assert [row.hits for row in worst] == [(0, 1), (3, 3), (0, 10)]
    assert worst[1].columns == {"kind": "y"}
    assert len(of(explain(run, number=1), "a").worst) == 1


def test_what_was_missed_and_what_was_returned_instead_is_counted_over_builds(run: Run) -> None:
    """True neighbors by rank, wrong ids with the number of builds that gave them."""
    first, second, _ = of(explain(run), "a").worst
    assert [each.rank for each in second.missed] == list(range(4, 11))
    assert second.missed[0] == Neighbor(item=3, id=3, rank=4, distance=4.0, builds=2)
    assert [each.builds for each in first.missed] == [1] + [2] * 9
    assert {each.id for each in second.instead} == set(range(503, 510))
    assert all(each.rank is None and each.distance is None for each in second.instead)


def test_queries_and_items_have_the_names_of_their_files(run: Run) -> None:
    """Beside the row numbers, and these where nothing names them."""
    kept = pl.Series("user", [f"u-{i}" for i in range(6)])
    tables.write_queries(run.path, 6, None, kept)
    tables.write_items(run.path, np.array([3, 503]), None, pl.Series("id", ["i-3", "i-503"]))
    first, second, _ = of(explain(Run(run.path)), "a").worst
    assert [(row.query, row.id) for row in (first, second)] == [(0, "u-0"), (1, "u-1")]
    assert [(each.item, each.id) for each in second.missed][:2] == [(3, "i-3"), (4, 4)]
    assert (503, "i-503") in {(each.item, each.id) for each in second.instead}


def test_both_tails_are_counted_with_intervals(run: Run) -> None:
    """Queries, share, and an interval that holds the share."""
    found = of(explain(run), "a")
    assert found.persistent.queries == 2
    assert found.build_dependent.queries == 1
    assert found.under.value == pytest.approx(5 / 12)
    for part in (found.persistent, found.build_dependent):
        assert part.low < part.share < part.high


def test_overlap_says_whether_another_index_would_have_served(run: Run) -> None:
    """Of a's tail in most builds (0, 1), b serves 1; of b's (0, 5), a serves 5."""
    report = explain(run)
    rows = {(row.index, row.other): row for row in report.overlap}
    ahead = rows["a ef=32", "b ef=8"]
    assert (ahead.tail, ahead.saved, ahead.share) == (2, 1, 0.5)
    assert ahead.lift == pytest.approx(0.5 / (2 / 6))
    assert (report.everywhere.some, report.everywhere.every) == (3, 1)


def test_effort_is_the_smallest_setting_that_suffices(run: Run) -> None:
    """Three queries need ef=32 in every build, one in one build; the others are never served."""
    effort = of(explain(run), "a").effort
    assert effort is not None
    assert effort.gain is not None
    assert [row.setting for row in effort.settings] == [{"ef": 16}, {"ef": 32}]
    assert [row.queries.value for row in effort.settings] == pytest.approx([0, 7 / 12])
    assert effort.never.value == pytest.approx(5 / 12)
    # Of 12 query-builds 7 pay 32 µs; the 5 that nothing serves are given the cheapest, 16 µs.
    assert effort.gain.each == pytest.approx((7 * 32 + 5 * 16) / 12 * 1e-6)
    assert effort.gain.one == pytest.approx(32e-6)
    assert of(explain(run), "b").effort is None


def test_the_setting_nearest_to_the_usual_recall_is_explained(run: Run) -> None:
    """0.9 where nothing else is asked; --setting chooses another."""
    assert [str(side) for side in choose(run)] == ["a ef=32", "b ef=8"]
    assert [str(side) for side in choose(run, settings=["ef=16"])] == ["a ef=16"]
    assert [str(side) for side in choose(run, indexes=["b"])] == ["b ef=8"]


def test_without_vectors_there_is_no_hardness_and_a_warning_says_so(run: Run) -> None:
    """A run of vectors made in memory is explained as far as its files go."""
    report = explain(run)
    assert of(report, "a").hardness == ()
    assert [each.about for each in report.warnings] == ["no vectors"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"indexes": ["c"]}, "unknown index of the run 'c'"),
        ({"k": 100}, "has no K=100; it holds K=10"),
        ({"delta": 0.0}, "give a number above 0, up to 1"),
        ({"settings": ["ef=5"]}, "nothing in .* has ef=5"),
    ],
)
def test_wrong_calls_are_refused(run: Run, given: dict[str, Any], message: str) -> None:
    """What was given, and what there is."""
    with pytest.raises(VbenchError, match=message):
        explain(run, **given)


def test_internals_are_kept_for_their_delta(run: Run) -> None:
    """A later look at the same setting and δ finds them, another δ does not."""
    (setting,) = choose(run, indexes=["b"])
    values = dict.fromkeys(GraphInternals.__struct_fields__, Estimated(value=0.3))
    found = Internals(same=Estimated(value=0.5), graph=GraphInternals(**values), lists=None)
    store_internals(setting, 0.9, found)
    assert internals_of(setting, 0.9) == found
    assert internals_of(setting, 0.5) is None
    about = [each.about for each in explain(run).warnings]
    assert about == ["no vectors", "not the same twice", "unreachable neighbors"]


def test_one_build_is_warned_of(tmp_path: Path) -> None:
    """With one build all failures look persistent."""
    single = answered(tmp_path / "single", {"a": {1: HITS[:1]}})
    about = [each.about for each in explain(single).warnings]
    assert about == ["no vectors", "one build"]


def test_queries_of_a_cluster_are_not_independent(tmp_path: Path) -> None:
    """Users of ten queries, each all good or all bad: wider intervals of shares, same values."""
    bad = np.repeat([0, 10, 10, 0, 10, 10], 10)
    run = answered(
        tmp_path / "run",
        {"a": {16: np.stack([bad, bad])}},
        columns={"user": list(np.repeat(np.arange(6), 10)), "kind": ["x", "y"] * 30},
    )
    alone, together = (of(explain(run, cluster=name), "a") for name in (None, "user"))
    parts: list[Callable[[TailRow], Interval]] = [
        lambda row: row.under,
        lambda row: row.recall,
        lambda row: span(row.persistent),
        lambda row: next(span(each) for each in row.segments if each.segment == "y"),
    ]
    for part in parts:
        narrow, wide = part(alone), part(together)
        assert wide.value == pytest.approx(narrow.value)
        assert width(wide) > 1.5 * width(narrow)
    assert explain(run, cluster="user").cluster == "user"
    with pytest.raises(VbenchError, match="did you mean 'user'"):
        explain(run, cluster="usr")


def test_what_left_no_result_is_named(run: Run) -> None:
    """`failed` and `missing` in the report, and one warning; the row counts its builds."""
    files.trial_path(run.path, "b0-1-32-10").unlink()
    report = explain(Run(run.path))
    assert [(each.index, each.build_number) for each in report.failed] == [("a", 1)]
    assert [each.partition(" in ")[0] for each in report.missing] == [
        "a ef=32 K=10: 1 of 2 builds missing"
    ]
    assert "missing-results" in {each.code for each in report.warnings}
    assert of(report, "a").missing == 1
