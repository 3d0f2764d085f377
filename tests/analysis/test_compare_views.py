"""Comparisons under filters: like views alone, the masks of one as one, gates on what is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.compare import compare
from vbench.analysis.comparison import Compared
from vbench.analysis.gather import gather
from vbench.analysis.tail import explain
from vbench.errors import UnknownNameError, VbenchError
from vbench.render.junit import junit_of
from vbench.render.markdown import markdown_of
from vbench.runs.failed import missing_results
from vbench.runs.files import trial_path, write_manifest
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.views import open_view
from vbench.stats.exact import holm

M = 120
OLD = View(key="old", filter="year < 1990", kind="expr")
MASKS = [View(key=f"m{mask}", filter="random:0.1", kind="random", mask=mask) for mask in range(3)]


def hits(seed: int, least: int = 6, builds: int = 2) -> Any:
    return np.random.default_rng(seed).integers(least, 11, size=(builds, M))


def run_of(folder: Path, worse: int = 0, views: Any = (OLD, *MASKS), **more: Any) -> Run:
    """Two indexes; `worse` hits fewer of b under `year < 1990`."""
    under = {
        view: {
            "a": {1: hits(10 + place)},
            "b": {2: np.maximum(hits(20 + place) - (worse if view is OLD else 0), 0)},
        }
        for place, view in enumerate(views)
    }
    return answered(folder, {"a": {1: hits(1)}, "b": {2: hits(2)}}, views=under, **more)


def by_view(rows: list[Compared]) -> dict[str, list[Compared]]:
    found: dict[str, list[Compared]] = {}
    for row in rows:
        found.setdefault(row.under, []).append(row)
    return found


def test_every_view_is_compared_and_named(tmp_path: Path) -> None:
    """Rows, verdicts and tables say under which filter, and Holm goes over all of them."""
    found = compare(run_of(tmp_path / "run", worse=4))
    rows = by_view(found.comparisons)
    assert list(rows) == ["", "under year < 1990", "under random:0.1"]
    assert {len(each) for each in rows.values()} == {4}
    assert [row.masks for row in rows["under random:0.1"]] == [3] * 4
    assert not any(row.different for row in rows[""])
    recall = rows["under year < 1990"][0]
    assert recall.better == "baseline"
    assert recall.verdict.startswith("under year < 1990: a ef=1 beats b ef=2: Recall@10 is lower")
    ps = [row.p for row in found.comparisons if row.p is not None]
    assert [row.p_holm for row in found.comparisons] == pytest.approx(list(holm(ps)))
    document = msgspec.json.decode(found.to_json())
    assert [row["view"] and row["view"]["filter"] for row in document["comparisons"][::4]] == [
        *(None, "year < 1990", "random:0.1")
    ]
    assert [each.view and each.view.filter for each in found.settings[::2]] == [
        *(None, "year < 1990", "random:0.1")
    ]
    assert "builds) under random:0.1, over 3 masks" in markdown_of(found)
    assert 'classname="a ef=1 → b ef=2 under year &lt; 1990"' in junit_of(found)


def test_masks_are_one_row_with_their_mean(tmp_path: Path) -> None:
    """Both sides and the difference are means over masks; one mask is compared where named."""
    run = run_of(tmp_path / "run")
    row = compare(run, view="random:0.1").comparisons[0]
    means = [[np.mean(hits(seed + place)) / 10 for place in (1, 2, 3)] for seed in (10, 20)]
    assert row.baseline_value.value == pytest.approx(np.mean(means[0]))
    assert row.candidate_value.value == pytest.approx(np.mean(means[1]))
    assert row.difference == pytest.approx(np.mean(means[1]) - np.mean(means[0]))
    single = compare(run, view="random:0.1#2").comparisons[0]
    assert (single.under, single.masks) == ("under random:0.1, mask 2", 1)
    assert single.difference == pytest.approx(means[1][1] - means[0][1])
    assert single.minimum_detectable_difference is not None
    assert {row.under for row in compare(run, view="none").comparisons} == {""}


def test_an_unknown_view_is_refused(tmp_path: Path) -> None:
    """One line lists those there are."""
    with pytest.raises(
        UnknownNameError, match=r"unknown view 'year' *; did you mean 'year < 1990'"
    ):
        compare(run_of(tmp_path / "run"), view="year")


def test_runs_are_compared_in_the_views_they_share(tmp_path: Path) -> None:
    """Pairs are of like views; a gate calls lost what only one side planned."""
    whole = run_of(tmp_path / "whole")
    part = run_of(tmp_path / "part", views=(OLD,))
    found = compare([whole, part])
    assert set(by_view(found.comparisons)) == {"", "under year < 1990"}
    gate = compare([whole, part], fail_if_worse=0.01).gate
    assert gate is not None
    assert gate.exit_code == 1
    path = tmp_path / "part"
    assert f"a ef=1 K=10 under random:0.1, mask 3: not planned in {path}" in gate.missing
    with pytest.raises(VbenchError, match=r"no view is in all runs: .*random:0.1#1"):
        compare([whole, part], view="random:0.1")


def test_a_view_without_a_result_is_a_loss(tmp_path: Path) -> None:
    """Of one setting, of one mask, and of a whole view; what is there is compared all the same."""
    before, after = run_of(tmp_path / "before"), run_of(tmp_path / "after")
    for trial in after.manifest.trials:
        if trial.view == OLD.key or (trial.view == "m1" and trial.build.startswith("b1")):
            trial_path(after.path, trial.key).unlink()
    after = Run(after.path)
    found = compare([before, after], fail_if_worse=0.9)
    assert found.gate is not None
    lost = [line.partition(": no result")[0] for line in found.gate.missing]
    assert lost == [
        *("a ef=1 K=10 under year < 1990", "b ef=2 K=10 under year < 1990"),
        "b ef=2 K=10 under random:0.1, mask 2",
    ]
    assert found.exit_code == 1
    masks = {row.baseline: row.masks for row in by_view(found.comparisons)["under random:0.1"]}
    assert masks == {"a ef=1 (before)": 3, "b ef=2 (before)": 2}
    assert len(missing_results([after])) == 3


def test_floors_are_of_every_view(tmp_path: Path) -> None:
    """Over the masks of one, with its name."""
    run = run_of(tmp_path / "run", worse=4)
    found = compare(run, at_least="Recall@10>=0.7")
    assert {each.setting: each.reached for each in found.floors} == {
        "a ef=1": True,
        "b ef=2": True,
        "a ef=1 under year < 1990": True,
        "b ef=2 under year < 1990": False,
        "a ef=1 under random:0.1": True,
        "b ef=2 under random:0.1": True,
    }
    assert len(compare(run, at_least="Recall@10>=0.7", view="none").floors) == 2


def test_a_tail_is_of_one_view(tmp_path: Path) -> None:
    """Of the whole base, under a filter, or under one mask of it; the document says which."""
    run = run_of(tmp_path / "run", worse=4)
    whole = explain(run)
    assert (whole.view, whole.under) == (None, "")
    old = explain(run, view="year < 1990")
    assert old.under == "under year < 1990"
    assert [row.view and row.view.filter for row in old.indexes] == ["year < 1990"] * 2
    b = np.maximum(hits(20) - 4, 0)
    assert old.indexes[1].recall.value == pytest.approx(b.mean() / 10)
    assert old.indexes[1].under.value == pytest.approx((b < 9).mean())
    assert explain(run, view="random:0.1#3").under == "under random:0.1, mask 3"


def test_a_page_is_of_one_view(tmp_path: Path) -> None:
    """Its settings are those of the filter, and its panel says so."""
    run = run_of(tmp_path / "run", worse=4)
    (panel,) = gather(open_view(run, "year < 1990")).panels
    assert panel.name == "made, K = 10, under year < 1990"
    assert panel.settings[1].recall == pytest.approx(np.maximum(hits(20) - 4, 0).mean() / 10)
    assert gather(run).panels[0].name == "made, K = 10"


def test_a_run_without_the_whole_base_is_compared_under_its_filters(tmp_path: Path) -> None:
    """Nothing is said of what was not asked."""
    nothing = {"a": {1: np.empty((0, M))}, "b": {2: np.empty((0, M))}}
    seen = {"a": {1: hits(1)}, "b": {2: hits(2)}}
    run = answered(tmp_path / "run", nothing, views={OLD: seen})
    assert {row.under for row in compare(run).comparisons} == {"under year < 1990"}
    assert explain(run).under == "under year < 1990"
    assert missing_results([run]) == ()


def test_each_view_has_the_settings_that_reach_its_recall(tmp_path: Path) -> None:
    """A value that one view alone has selects that view; masks of other values are one row."""
    rng = np.random.default_rng(0)
    under = {
        view: {"a": {ef: rng.integers(6, 11, (2, M))}, "b": {2: rng.integers(6, 11, (2, M))}}
        for view, ef in ((OLD, 7), (MASKS[0], 8), (MASKS[1], 9))
    }
    run = answered(tmp_path / "run", {"a": {1: hits(1)}, "b": {2: hits(2)}}, views=under)
    rows = compare(run, baseline="a ef=7", candidate="b ef=2").comparisons
    assert {(row.under, row.baseline) for row in rows} == {("under year < 1990", "a ef=7")}
    options = msgspec.structs.replace(run.manifest.options, at_recall=0.8)
    run.manifest = msgspec.structs.replace(run.manifest, options=options)
    write_manifest(run.path, run.manifest)
    rows = compare(Run(run.path), view="random:0.1").comparisons
    assert {(row.baseline, row.masks) for row in rows} == {("a ef=8", 2)}
