"""Runs under filters, end to end: real indexes, their answers against a comparison with all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.render.terminal.run import print_summary
from vbench.runs import tables
from vbench.workloads.filters import read_filter

N, M, K = 400, 30, 5
FILTERS = ["value < 30", "random:0.3", "query:color", "seen & value < 60"]


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    items = pl.DataFrame({"value": rng.integers(0, 100, N), "color": rng.integers(0, 5, N)})
    colors = pl.DataFrame({"color": rng.integers(0, 5, M)})
    seen = pl.DataFrame({"query": rng.integers(0, M, 300), "item": rng.integers(0, N, 300)})
    return Dataset(
        "tiny",
        *gaussian_pair(N, M, 8, seed=5),
        "l2",
        segments=colors,
        items=items,
        interactions=seen,
    )


def once(dataset: Dataset, index: object, out: Path, **changes: object) -> vbench.Run:
    options: dict = {"k": K, "builds": 1, "repeats": 1, "out": out, "filters": FILTERS, "masks": 2}
    return vbench.run(dataset, index, **options | changes)


def test_exact_indexes_are_exact_under_every_filter(dataset: Dataset, tmp_path: Path) -> None:
    """Flat search, a wide graph, all lists: recall 1 in every view, ids that pass alone."""
    run = once(
        dataset,
        ["flat", "hnsw", "ivf-flat", "filtering:Scan"],
        tmp_path / "run",
        settings={"ef": [400], "nprobe": [10]},
    )
    assert len(run.manifest.views) == 1 + 5
    for view in run.manifest.views:
        seen = run.in_view(view)
        assert len(seen.settings()) == 4
        for setting in seen.settings():
            assert setting.recall == 1.0, (view.filter, str(setting))
            assert len(setting.trials) == 1
        if view.filter is None:
            continue
        allowed = read_filter(view.filter).resolve(dataset, view.mask_seed or 0)
        for trial in seen.settings()[0].trials:
            ids = seen.answers(trial).ids
            assert (allowed.admits(np.arange(M), ids) | (ids < 0)).all()
            facts = seen.facts(trial)
            assert (facts.filter_setup_s is None) == (not allowed.is_shared)
            assert (seen.rows(trial).filter_ns is None) == allowed.is_shared
            assert (facts.batch is None) == (not allowed.is_shared)


def test_a_run_without_filters_keeps_its_keys_and_files(dataset: Dataset, tmp_path: Path) -> None:
    """Filters add to a run: its other trials are neither measured again nor renamed."""
    plain = once(dataset, "flat", tmp_path / "run", filters=[])
    before = {trial.key: plain.facts(trial).started for trial in plain.done}
    assert [path.name for path in (tmp_path / "run" / "ground_truth").iterdir()] == [
        "static.parquet"
    ]
    more = once(dataset, "flat", tmp_path / "run", filters="value < 30")
    assert len(more.done) == 2
    assert {
        key: more.facts(trial).started
        for trial in more.done
        for key in [trial.key]
        if key in before
    } == before
    with pytest.warns(vbench.VbenchWarning, match="nothing was measured"):
        once(dataset, "flat", tmp_path / "run", filters="value < 30")


def test_an_id_that_does_not_pass_fails_its_trial(dataset: Dataset, tmp_path: Path) -> None:
    """An index that does not heed the filter is found out, and told by the query and the id."""
    with pytest.warns(vbench.VbenchWarning, match="does not pass the filter"):
        run = once(
            dataset, "filtering:Deaf", tmp_path / "run", filters=["value < 30", "query:color"]
        )
    assert len(run.done) == 1
    assert len(run.manifest.failures) == 2


def test_an_index_that_cannot_filter_is_refused_before_anything_runs(
    dataset: Dataset, tmp_path: Path
) -> None:
    """One line that names it, and no folder."""
    with pytest.raises(VbenchError, match=r"nsg can be put under a filter.*allow"):
        once(dataset, ["flat", "nsg"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_only_filtered_views_are_asked_where_that_is_wanted(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The view without a filter is left out; the summary holds the others, and prints them."""
    run = once(dataset, "flat", tmp_path / "run", filters=["value < 30"], only_filtered=True)
    assert [trial.view for trial in run.done] == [run.manifest.views[1].key]
    rows = run.summary().settings
    assert [row.view.filter for row in rows if row.view] == ["value < 30"]
    assert len(rows) == 1
    print_summary(run.summary([vbench.nDCG @ K]))
    printed = capsys.readouterr().out
    assert "Under filters" in printed
    assert "nDCG" in printed


def test_each_view_is_brought_to_the_recall(dataset: Dataset, tmp_path: Path) -> None:
    """Matched recall is matched in each view, by its own setting."""
    run = once(
        dataset,
        "ivf-flat",
        tmp_path / "run",
        filters=["value < 10"],
        at_recall=0.8,
        settings={"nlist": [40]},
    )
    views = {level.view: level for level in run.manifest.levels}
    assert set(views) == {view.key for view in run.manifest.views}
    for view in run.manifest.views:
        shown = run.in_view(view).settings()
        assert [each.search for each in shown] == views[view.key].chosen


def test_a_view_stores_how_its_filter_lies_to_each_query(dataset: Dataset, tmp_path: Path) -> None:
    """Allowed, selectivity and correlation of every query stand beside its neighbors."""
    run = once(dataset, "flat", tmp_path / "run", filters=["query:color"])
    view = run.manifest.views[1]
    frame = tables.read_view(run.path, view.key)
    assert frame.columns == ["query", "allowed", "selectivity", "correlation"]
    codes = dataset.items["color"].to_numpy()  # type: ignore[index]
    own = dataset.segments["color"].to_numpy()  # type: ignore[index]
    assert frame["allowed"].to_list() == [(codes == each).sum() for each in own]
