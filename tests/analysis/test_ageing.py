"""What is said of indexes whose base changes, against what follows from their hits."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.ageing import find_half_life
from vbench.data.dataset import Dataset
from vbench.render.terminal.ageing import print_ageing
from vbench.render.terminal.tables import PlainConsole
from vbench.runs.views import find_views, name_view

K = 5


@pytest.mark.parametrize(
    ("robustness", "shares", "expected"),
    [
        ([0.8, 0.7], [0, 0.5], 0.25),
        ([0.8, 0.78, 0.74, 0.9], [0, 0.25, 0.5, 0.75], 0.25 + 0.25 * 3 / 4),
        ([0.8, 0.75], [0, 0.25], 0.25),
        ([0.8, 0.76, 0.9], [0, 0.25, 0.5], None),
    ],
)
def test_half_lives_are_interpolated(
    robustness: list[float], shares: list[float], expected: float | None
) -> None:
    """Where 0.05 is first lost; never, where it is not."""
    found = find_half_life(np.array(robustness), shares)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> vbench.Run:
    """Graphs so thin that they lose much, of two builds."""
    base, queries = gaussian_pair(300, 60, 24, seed=5)
    return vbench.run(
        Dataset("tiny", base, queries, "l2"),
        "hnsw",
        k=K,
        builds=2,
        repeats=1,
        workload="churn",
        settings={"M": [2], "ef_construction": [5], "ef": [10, 40], "replace_deleted": [True]},
        out=tmp_path_factory.mktemp("old") / "run",
    )


def test_ages_are_told_with_the_queries_that_fell_and_recovered(run: vbench.Run) -> None:
    """Every setting at every age; shares of queries as their hits have them."""
    summary = run.summary()
    (found,) = summary.ageing
    assert [each.step for each in found.ages] == [0, 2, 4, 6, 8]
    assert [each.replaced_share for each in found.ages] == [0, 0.25, 0.5, 0.75, 1]
    assert [(row.setting["ef"], row.step) for row in found.settings] == [
        (ef, step) for ef in (10, 40) for step in (0, 2, 4, 6, 8)
    ]
    for at, ef in enumerate((10, 40)):
        rows = found.settings[5 * at : 5 * at + 5]
        hits = [
            next(each for each in run.in_view(view).settings() if each.search["ef"] == ef).hits
            for view in run.manifest.views
        ]
        served = [each >= 5 for each in hits]
        for number, row in enumerate(rows):
            mean = row.measures[f"Robustness(delta=0.9)@{K}"].value
            assert mean == pytest.approx(served[number].mean())
            assert (row.change_s is None) == (number == 0)
            if not number:
                assert row.fallen is None
                continue
            fallen = served[0] & ~served[number]
            lost = np.zeros_like(fallen)
            for between in served[1:number]:
                lost |= ~between
            assert row.fallen is not None
            assert row.recovered is not None
            assert row.fallen.value == pytest.approx(fallen.mean())
            assert row.recovered.value == pytest.approx((served[0] & served[number] & lost).mean())
        curves = np.array([each.mean(axis=1) for each in served]).T
        lives = [find_half_life(each, [0, 0.25, 0.5, 0.75, 1]) for each in curves]
        half_life = found.half_lives[at]
        assert half_life.lost == sum(each is not None for each in lives)
        if None not in lives:
            assert half_life.share.value == pytest.approx(np.mean(lives))  # type: ignore[arg-type]  # none is None


def test_a_rebuild_pays_where_an_old_index_costs_more(run: vbench.Run) -> None:
    """Seconds of a build over what a query costs more than fresh at the same mean recall."""
    rows = run.summary().ageing[0].settings
    fresh = {row.setting["ef"]: row.measures for row in rows if row.step == 0}
    recalls = [fresh[ef][f"Recall@{K}"].value or 0 for ef in (10, 40)]
    seconds = [1 / (fresh[ef]["QPS"].value or 0) for ef in (10, 40)]
    for row in rows:
        recall = row.measures[f"Recall@{K}"].value or 0
        if row.step == 0 or not recalls[0] <= recall <= recalls[1]:
            assert row.rebuild_after is None
            continue
        same = np.exp(np.interp(recall, recalls, np.log(seconds)))
        rate = row.measures["QPS"]
        assert rate.high is not None
        extra = 1 / (rate.value or 0) - same
        if 1 / rate.high <= same:
            assert row.rebuild_after is None
        else:
            build = row.measures["BuildTime"].value or 0
            assert row.rebuild_after == pytest.approx(build / extra)


def test_ages_are_compared_each_on_its_own(run: vbench.Run) -> None:
    """Two settings at every step, never over steps; a view is chosen by workload and step."""
    found = vbench.compare(run.path, baseline="hnsw ef=10", candidate="hnsw ef=40")
    steps = [each.view and each.view.step for each in found.comparisons]
    assert list(dict.fromkeys(steps)) == [None, 2, 4, 6, 8]
    assert {each.masks for each in found.comparisons} == {1}
    assert list(dict.fromkeys(each.under for each in found.comparisons))[:2] == ["", "at step 2"]
    assert name_view(run.manifest.views[2]) == "churn@4"
    (view,) = find_views([run], "churn@4")
    assert view.step == 4
    with pytest.raises(vbench.VbenchError, match=r"unknown view 'churn@5'.*churn@4"):
        find_views([run], "churn@5")


def test_tables_show_every_age(run: vbench.Run) -> None:
    """Share replaced, what fell and recovered, and the half-life, or that it was not reached."""
    out = PlainConsole(file=io.StringIO(), width=220)
    print_ageing(out, run.summary().ageing[0])
    shown = out.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    for part in ("Workload churn", "replaced", "fallen", "recovered", "75", "Half-life"):
        assert part in shown


def test_growth_has_no_half_life(tmp_path: Path) -> None:
    """Its ages are vectors in the index; the static view is none of them."""
    base, queries = gaussian_pair(200, 10, 8, seed=5)
    run = vbench.run(
        Dataset("tiny", base, queries, "l2"),
        "ivf-flat",
        k=K,
        builds=1,
        repeats=1,
        workload="growth:0.5",
        settings={"nprobe": [1]},
        out=tmp_path / "run",
    )
    (found,) = run.summary().ageing
    assert [each.live for each in found.ages] == [100, 125, 150, 175, 200]
    assert found.half_lives == []
    out = PlainConsole(file=io.StringIO(), width=200)
    print_ageing(out, found)
    assert "vectors" in out.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert run.summary().to_json()
