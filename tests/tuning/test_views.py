"""Tuning under filters and at ages: the target holds in every view, or it is not certified."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.render.terminal.tables import PlainConsole
from vbench.render.terminal.tune import print_tuning

TARGET = "Robustness(delta=0.6)@5>=0.8"
CHEAP = "value < 300"


@pytest.fixture
def dataset() -> Dataset:
    base, queries = gaussian_pair(640, 400, 8, seed=7)
    rng = np.random.default_rng(1)
    items = pl.DataFrame({"value": rng.permutation(640), "color": rng.integers(0, 2, 640)})
    colors = pl.DataFrame({"color": np.full(400, 7)})
    colors[0, "color"] = 1
    return Dataset("tiny", base, queries, "l2", items=items, segments=colors)


def tuned(
    dataset: Dataset, out: Path, index: str = "tunable:KeptUnder", **changes: object
) -> vbench.Tuning:
    options: dict = {"builds": 1, "repeats": 1, "out": out, "minimize": "Latency(p=50)"}
    return vbench.tune(dataset, index, TARGET, **options | changes)


def test_a_target_holds_under_every_filter(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole base, a filter and two masks of another; each with the bound of its own."""
    found = tuned(dataset, tmp_path / "run", filters=[CHEAP, "random:0.3"], masks=2, builds=2)
    names = ["none", CHEAP, "random:0.3#1", "random:0.3#2"]
    assert [view.name for view in found.views] == names
    assert found.certified
    assert [each.view for each in found.best.targets] == names
    for each in found.best.targets:
        assert each.certified
        assert each.held_out.bound is not None
        assert each.held_out.bound >= 0.8
    assert found.best.view is None
    words = f"certified under these filters (none, {CHEAP}, random:0.3 in 2 masks): "
    assert found.verdict.startswith(words)
    # What is certified in a view is what its own trials say, on the queries that were held out.
    run = vbench.open(found.run)
    for view in run.manifest.views:
        (setting,) = (
            each for each in run.in_view(view).settings() if each.search == found.best.setting
        )
        assert (setting.hits >= 3).mean(axis=1).min() > 0.8
    printed = io.StringIO()
    monkeypatch.setattr(
        "vbench.render.terminal.tune.console", lambda: PlainConsole(file=printed, width=200)
    )
    print_tuning(found)
    for part in ("view by view", "random:0.3#2", "under these filters", "mean of views"):
        assert part in printed.getvalue()


def test_a_view_that_is_missed_ends_a_try(dataset: Dataset, tmp_path: Path) -> None:
    """The view that decided last comes first, and the objective of some views is not told."""
    found = tuned(dataset, tmp_path / "run", filters=[CHEAP])
    missed = [each for each in found.tried if not each.met]
    assert missed
    assert all(len(each.views) == 1 for each in missed[1:])
    assert all(
        each.measures["Latency(p=50)"].value is None for each in missed if len(each.views) < 2
    )
    for each in found.tried:
        weakest = min(view.measures[TARGET[:-5]].value or 0.0 for view in each.views)
        assert each.measures[TARGET[:-5]].value == pytest.approx(weakest)


def test_a_view_can_be_chosen(dataset: Dataset, tmp_path: Path) -> None:
    """Then nothing else is asked, and the claim is about it alone."""
    found = tuned(dataset, tmp_path / "run", filters=[CHEAP, "random:0.3"], view=CHEAP)
    assert found.certified
    assert found.verdict.startswith(f"certified under this filter ({CHEAP}): ")
    assert found.best.view is not None
    assert found.best.view.filter == CHEAP
    run = vbench.open(found.run)
    assert len({trial.view for trial in run.manifest.trials}) == 1
    with pytest.raises(UnknownNameError, match=r"unknown view 'value < 3'.*none, value < 300"):
        tuned(dataset, tmp_path / "other", filters=[CHEAP], view="value < 3")
    assert not (tmp_path / "other").exists()


def test_a_target_holds_at_every_age(dataset: Dataset, tmp_path: Path) -> None:
    """Growing graphs and lists: each age of a build is made once, whatever is tried."""
    found = tuned(
        dataset,
        tmp_path / "run",
        "ivf-flat",
        settings={"nlist": [20]},
        workload="growth:0.4",
        filters=CHEAP,
    )
    assert found.certified
    ages = [f"growth:0.4@{step}" for step in (1, 3, 5, 7, 9)]
    names = [name for age in ages for name in (age, f"{age} & {CHEAP}")]
    assert [each.view for each in found.best.targets] == names
    assert "certified under these filters and at these ages (growth:0.4@1, " in found.verdict
    run = vbench.open(found.run)
    assert run.manifest.workload.name == "growth:0.4"
    assert [step["op"] for step in run.manifest.workload.steps[:3]] == [
        "insert",
        "search",
        "insert",
    ]
    facts = [run.facts(trial) for trial in run.done]
    fits = {(each.view, each.build_seconds) for each in facts if "&" not in each.view}
    assert len({seconds for _, seconds in fits}) == len(ages)


def test_an_age_that_loses_too_much_is_named(dataset: Dataset, tmp_path: Path) -> None:
    """What was replaced and is not found again is missed at every setting."""
    found = tuned(dataset, tmp_path / "run", workload="churn", trials=4)
    assert not found.certified
    assert "not met: no setting that was tried reaches" in found.verdict
    assert " at step " in found.verdict


def test_a_filter_that_leaves_nothing_to_half_of_the_queries_is_refused(
    dataset: Dataset, tmp_path: Path
) -> None:
    """Nothing could be certified for them."""
    with pytest.raises(VbenchError, match="under query:color half of the queries have no neighbor"):
        tuned(dataset, tmp_path / "run", filters="query:color")
