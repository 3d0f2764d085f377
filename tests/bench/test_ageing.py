"""Runs whose base changes, end to end: real indexes, their answers against a comparison."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from changing import Broken, Scan, ScanUnder, Stale
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import distance
from vbench.runs import tables
from vbench.runs.loads import label_load
from vbench.runs.schema import View
from vbench.workloads.ageing import plan_ages
from vbench.workloads.filters import read_filter
from vbench.workloads.runbook import read_workload

N, M, K = 300, 20, 5

RUNBOOK = """
[[step]]
op = "insert"
share = 0.5
order = "-value"
[[step]]
op = "search"
[[step]]
op = "delete"
rows = [0, 60]
order = "-value"
[[step]]
op = "insert"
share = 0.3
[[step]]
op = "search"
[[step]]
op = "replace"
share = 0.4
order = "random"
[[step]]
op = "search"
"""


class Mortal(Scan):
    """Its process dies in a search, once."""

    def __init__(self, flag: str) -> None:
        self.flag = Path(flag)

    def settle(self) -> None:
        self.is_old = True

    def set(self, width: int = 1) -> None:
        if hasattr(self, "is_old") and not self.flag.exists():
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    items = pl.DataFrame({"value": rng.permutation(N)})
    base, queries = gaussian_pair(N, M, 8, seed=5)
    seen = pl.DataFrame({"query": rng.integers(0, M, 200), "item": rng.integers(0, N, 200)})
    return Dataset("tiny", base, queries, "l2", items=items, interactions=seen)


@pytest.fixture
def runbook(tmp_path: Path) -> str:
    path = tmp_path / "book.toml"
    path.write_text(RUNBOOK)
    return str(path)


def once(dataset: Dataset, index: object, out: Path, **changes: Any) -> vbench.Run:
    options: dict = {"k": K, "builds": 1, "repeats": 1, "out": out, "workload": "churn"}
    return vbench.run(dataset, index, **options | changes)


def find_exact(dataset: Dataset, live: np.ndarray) -> np.ndarray:
    away = distance(dataset.queries[:, None], dataset.base[None], dataset.metric)
    away[:, ~live] = np.inf
    return np.argsort(away, axis=1, kind="stable")[:, :K]


def test_exact_indexes_stay_exact_while_they_are_replaced(dataset: Dataset, tmp_path: Path) -> None:
    """Churn: the exact neighbors never change, and wide searches find them at every step."""
    run = once(
        dataset,
        ["hnsw", "ivf-flat", Scan],
        tmp_path / "run",
        settings={"ef": [300], "nprobe": [8], "replace_deleted": [False, True]},
    )
    views = run.manifest.views
    assert [view.step for view in views] == [None, 2, 4, 6, 8]
    assert [view.replaced for view in views] == [None, 75, 150, 225, 300]
    for view in views:
        seen = run.in_view(view)
        assert (seen.ground_truth.ids == run.ground_truth.ids).all()
        settings = seen.settings()
        assert len(settings) == 4
        for setting in settings:
            assert setting.recall == 1.0, (view.step, str(setting))
            facts = seen.facts(setting.trials[0])
            assert len(facts.step_seconds or []) == (view.step or 0) // 2
            assert ("settle" in facts.phases) == (
                setting.index.endswith("Scan") and view.step is not None
            )


def test_a_runbook_is_followed_to_the_row(dataset: Dataset, tmp_path: Path, runbook: str) -> None:
    """What is in the index at each search, by the steps; neighbors as a comparison has them."""
    run = once(dataset, ["hnsw", "ivf-flat", Scan], tmp_path / "run", workload=runbook,
               settings={"ef": [300], "nprobe": [3]})  # fmt: skip
    order = np.argsort(-dataset.items["value"].to_numpy())  # type: ignore[index]
    live = np.zeros(N, dtype=bool)
    live[order[:150]] = True
    lives = [live.copy()]
    live[order[:60]] = False
    live[np.flatnonzero(~live)[:90]] = True
    lives += [live, live]
    views = run.manifest.views[1:]
    assert [view.step for view in views] == [1, 4, 6]
    assert [(view.inserted, view.deleted, view.replaced) for view in views] == [
        (0, 0, 0),
        (90, 60, 0),
        (90, 60, 120),
    ]
    for view, there in zip(views, lives, strict=True):
        seen = run.in_view(view)
        exact = find_exact(dataset, there)
        assert view.live == there.sum()
        assert (seen.ground_truth.ids[:, :K] == exact).all()
        assert (tables.read_view(run.path, view.key)["allowed"] == there.sum()).all()
        for setting in seen.settings():
            assert setting.recall == 1.0, (view.step, str(setting))
            for trial in setting.trials:
                assert (np.sort(seen.rows(trial).ids) == np.sort(exact)).all()  # type: ignore[type-var]


def test_growth_adds_up_to_the_whole_base(dataset: Dataset, tmp_path: Path) -> None:
    """Graphs and lists grow from a tenth; at the end the neighbors are those of the whole."""
    run = once(
        dataset,
        ["hnsw", "faiss-hnsw", "ivf-flat", "ivf-sq8"],
        tmp_path / "run",
        workload="growth:0.1",
        settings={"ef": [300], "nprobe": [1]},
    )
    views = run.manifest.views[1:]
    assert [view.live for view in views] == [30, 98, 165, 232, 300]
    assert (run.in_view(views[-1]).ground_truth.ids == run.ground_truth.ids).all()
    assert (run.in_view(views[0]).ground_truth.ids[:, :K] < 30).all()
    for view in views:
        exact = [each for each in run.in_view(view).settings() if each.index != "ivf-sq8"]
        assert [each.recall for each in exact] == [1.0] * 3


@pytest.mark.parametrize("metric", ["ip", "cosine"])
def test_lengths_are_relative_to_the_whole_base(tmp_path: Path, metric: str) -> None:
    """An index in a lifted space grows by longer vectors than it was fitted on, and stays exact."""
    base, queries = gaussian_pair(N, M, 8, seed=5)
    base = base[np.argsort(np.linalg.norm(base, axis=1))]
    dataset = Dataset("tiny", np.ascontiguousarray(base), queries, metric)
    run = once(dataset, "hnsw-mips" if metric == "ip" else "hnsw", tmp_path / "run",
               workload="growth:0.5", settings={"ef": [300]})  # fmt: skip
    for view in run.manifest.views[1:]:
        assert [each.recall for each in run.in_view(view).settings()] == [1.0]


def test_a_static_run_grows_old(dataset: Dataset, tmp_path: Path) -> None:
    """The first search of churn is what a run measured before; what is done is not done again."""
    plain = once(dataset, Scan, tmp_path / "run", workload="static")
    started = plain.facts(plain.done[0]).started
    old = once(dataset, Scan, tmp_path / "run")
    assert len(old.done) == 5
    assert old.facts(plain.done[0]).started == started
    both = once(dataset, Scan, tmp_path / "run", workload="growth:0.1")
    assert len(both.done) == 10
    assert not both.manifest.failures
    with pytest.warns(vbench.VbenchWarning, match="nothing was measured"):
        once(dataset, Scan, tmp_path / "run")


def test_a_run_that_lacks_a_step_replays_the_others(dataset: Dataset, tmp_path: Path) -> None:
    """The index is changed up to the step that is missing, and only that one is searched."""
    first = once(dataset, "hnsw", tmp_path / "run", settings={"ef": [20]})
    lost = next(trial for trial in first.done if trial.view == first.manifest.views[2].key)
    path = first.path / "trials" / f"{lost.key}.parquet"
    before = first.rows(lost).ids
    others = {trial.key: first.facts(trial).started for trial in first.done if trial != lost}
    path.unlink()
    again = once(dataset, "hnsw", tmp_path / "run", settings={"ef": [20]})
    assert {
        key: again.facts(trial).started
        for trial in again.done
        for key in [trial.key]
        if key in others
    } == others
    assert (again.rows(lost).ids == before).all()  # type: ignore[union-attr]


def test_an_index_whose_process_dies_is_built_and_aged_again(
    dataset: Dataset, tmp_path: Path
) -> None:
    """The trial is lost; those behind it are measured at their own age."""
    with pytest.warns(vbench.VbenchWarning):
        run = once(dataset, Mortal, tmp_path / "run",
                   settings={"flag": [str(tmp_path / "died")]})  # fmt: skip
    assert len(run.manifest.failures) == 1
    assert len(run.done) == 4
    last = run.facts(run.done[-1])
    assert len(last.step_seconds or []) == 4


def test_an_id_that_was_removed_fails_its_trial(dataset: Dataset, tmp_path: Path) -> None:
    """It is told by the query and the id."""
    with pytest.warns(vbench.VbenchWarning, match=r"id \d+ was removed from the index"):
        run = once(dataset, Stale, tmp_path / "run")
    assert len(run.done) == 1
    assert len(run.manifest.failures) == 4


def test_a_change_that_fails_ends_its_build(dataset: Dataset, tmp_path: Path) -> None:
    """The steps before it are kept; it and those behind it have failed, for its reason."""
    with pytest.warns(vbench.VbenchWarning, match=r"MemoryError: no room \(in replace\)"):
        run = once(dataset, Broken, tmp_path / "run", builds=2)
    assert len(run.done) == 2
    assert len(run.manifest.failures) == 8
    assert [each.step for each in run.summary().failed] == [2, 4, 6, 8] * 2


@pytest.mark.parametrize(
    ("index", "workload", "told"),
    [
        ("faiss-hnsw", "churn", r"'faiss-hnsw' cannot go through workload 'churn'.*no remove\(\)"),
        ("flat", "growth:0.1", r"'flat' cannot.*no add\(\); leave the index out"),
        ("ivf-pq", "churn", r"no add\(\) and no remove\(\)"),
    ],
)
def test_an_index_that_cannot_change_is_refused(
    dataset: Dataset, tmp_path: Path, index: str, workload: str, told: str
) -> None:
    """One line that names it and what it lacks, and no folder."""
    with pytest.raises(VbenchError, match=told):
        once(dataset, index, tmp_path / "run", workload=workload)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "workload", ["churn", pytest.param("growth:0.3", marks=pytest.mark.slow), "RUNBOOK"]
)
def test_filters_hold_at_every_age(
    dataset: Dataset, tmp_path: Path, runbook: str, workload: str
) -> None:
    """What passes and is there answers, whatever was removed or came back under another id."""
    workload = runbook if workload == "RUNBOOK" else workload
    run = once(
        dataset,
        ["hnsw", "ivf-flat", ScanUnder],
        tmp_path / "run",
        workload=workload,
        filters=["value < 200", "random:0.3", "seen"],
        masks=1,
        settings={"ef": [300], "nprobe": [8], "replace_deleted": [False, True]},
    )
    views = run.manifest.views
    aged = [view for view in views if view.workload]
    ages = plan_ages(dataset, read_workload(workload, N))  # type: ignore[arg-type]
    live = {each.view.step: each.allowed.mask for each in ages if each.allowed is not None}
    assert len(aged) == 4 * len(live)
    for view in aged:
        seen = run.in_view(view)
        assert len(seen.settings()) == 4
        exact = find_exact_under(dataset, live[view.step], view)
        assert [row[row >= 0].tolist() for row in seen.ground_truth.ids[:, :K]] == exact
        for setting in seen.settings():
            assert setting.recall == 1.0, (view.step, view.filter, str(setting))
    for ageing in run.summary().ageing:
        assert len(ageing.ages) == len(ages)
        assert all(row.fallen is None or row.fallen.value == 0 for row in ageing.settings)


def find_exact_under(dataset: Dataset, live: Any, view: View) -> list[list[int]]:
    """The nearest that pass of those that are in the index, by all distances."""
    found = []
    for row in range(M):
        passes = live.copy()
        if view.filter is not None:
            passes &= read_filter(view.filter).resolve(dataset, view.mask_seed or 0).of_query(row)
        rows = np.flatnonzero(passes)
        away = distance(dataset.queries[row], dataset.base[rows], dataset.metric)
        found.append(rows[np.argsort(away, kind="stable")][:K].tolist())
    return found


def test_loads_and_matched_recall_go_with_changes(dataset: Dataset, tmp_path: Path) -> None:
    """At each age, with and without a filter: its own setting for a recall, and every load."""
    run = once(
        dataset,
        "ivf-flat",
        tmp_path / "run",
        filters="value < 50",
        at_recall=0.8,
        clients=[2],
        batch=5,
        settings={"nlist": [30]},
    )
    views = run.manifest.views
    assert len(views) == 2 * 5
    assert [level.view for level in run.levels] == [view.key for view in views]
    assert not run.manifest.failures
    for view in views:
        shown = run.in_view(view).settings(loads=True)
        assert {label_load(each.load) for each in shown} == {"", "clients=2 batch=5"}
    assert [each.filter for each in run.summary().ageing] == [None, "value < 50"]


def test_a_filter_that_leaves_nothing_at_an_age_is_refused(
    dataset: Dataset, tmp_path: Path
) -> None:
    """One line that names filter, step and workload, and no folder."""
    path = tmp_path / "late.toml"
    path.write_text("""
[[step]]
op = "insert"
share = 0.4
order = "-value"
[[step]]
op = "search"
""")
    told = r"'value < 100' leaves none of the 120 .* at step 1 of late"
    with pytest.raises(VbenchError, match=told):
        once(dataset, "hnsw", tmp_path / "run", workload=str(path), filters="value < 100")
    assert not (tmp_path / "run").exists()
