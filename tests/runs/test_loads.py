"""A run holds what was asked in the usual way, and beside it what was asked under loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.summary import summarize
from vbench.runs.loads import describe_load, find_load, label_load
from vbench.runs.schema import SINGLE, USUAL_LOAD, Load

NAME, RATE = "clients:Shared", "rate=20000-clients=2-forks"
DATA = gaussian_pair(120, 20, 4, seed=3)


def run(folder: Path, index: str = NAME, **options: Any) -> vbench.Run:
    base, queries = DATA
    given = {"metric": "l2", "k": 5, "builds": 2, "repeats": 2} | options
    return vbench.run(base, index, queries=queries, out=folder, **given)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[vbench.Run]:
    """Clients and batches in a first call, a rate in a second."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(folder / "home"))
        run(folder / "run", clients=[1, 2], batch=[1, 8])
        yield run(folder / "run", rate=20_000, clients=2)


def test_the_usual_load_has_no_name() -> None:
    """Others are called by what they differ in."""
    load = Load(key="x", mode="open", clients=4, by="threads", rate=0.5)
    assert label_load(USUAL_LOAD) == label_load(None) == ""
    assert label_load(load) == label_load(describe_load(load)) == "rate=0.5 clients=4"
    assert label_load(Load(key="x", batch=7, cache="cold")) == "batch=7 cache=cold"
    assert describe_load(USUAL_LOAD) is None
    assert find_load([USUAL_LOAD, load], "x") is load


def test_loads_are_measured_beside_the_usual_one(measured: vbench.Run, tmp_path: Path) -> None:
    """Whose trials are the same with them and without."""
    alone = run(tmp_path / "alone")
    usual = [trial for trial in measured.manifest.trials if trial.load == SINGLE]
    assert usual == alone.manifest.trials
    assert alone.manifest.loads == [USUAL_LOAD]
    assert measured.manifest.plan == alone.manifest.plan
    assert "load" not in alone.measure("QPS").columns


def test_a_run_grows_by_loads(measured: vbench.Run) -> None:
    """A later call measures what is new, and forgets nothing."""
    assert [each.key for each in measured.manifest.loads] == [
        SINGLE,
        "batch=8",
        "clients=2-forks",
        "clients=2-batch=8-forks",
        RATE,
    ]
    assert [each.added for each in measured.manifest.later] == [2]
    assert len(measured.done) == 2 * len(measured.manifest.loads)


def test_a_run_tells_first_of_the_usual_load(measured: vbench.Run) -> None:
    """Others are asked for."""
    assert [str(each) for each in measured.settings()] == [NAME]
    loaded = measured.settings(loads=True)
    assert [str(each) for each in loaded] == [
        NAME,
        f"{NAME} batch=8",
        f"{NAME} clients=2",
        f"{NAME} clients=2 batch=8",
        f"{NAME} rate=20000 clients=2",
    ]
    for each in loaded:
        assert (each.recall, len(each.trials), measured.count_planned(each)) == (1.0, 2, 2)


def test_what_several_clients_took_together_is_in_the_trial(measured: vbench.Run) -> None:
    """Wall time of all passes; at a rate also how long each query waited."""
    facts = {trial.load: measured.facts(trial) for trial in measured.done}
    rows = {trial.load: measured.rows(trial) for trial in measured.done}
    assert facts[SINGLE].wall_s is None
    assert facts[RATE].load == RATE
    assert facts[RATE].wall_s == pytest.approx(sum(each.wall_s or 0 for each in facts[RATE].passes))
    assert rows[SINGLE].wait_ns is None
    wait, latency = rows[RATE].wait_ns, rows[RATE].latency_ns
    assert wait is not None
    assert latency is not None
    assert wait.shape == latency.shape == (20, 2)
    assert (rows[RATE].first_ns == latency[:, 0]).all()


def test_a_batch_s_seconds_are_those_of_all_batches(measured: vbench.Run) -> None:
    """Beside its size; the usual trial keeps its one call with all."""
    sizes = {trial.load: measured.facts(trial).batches for trial in measured.done}
    assert [each.size for each in sizes[SINGLE]] == [20]
    assert [each.size for each in sizes["batch=8"]] == [8]
    assert sizes["batch=8"][0].seconds > 0
    assert sizes["clients=2-forks"] == []


def test_speed_under_a_load_is_answers_by_wall_time(measured: vbench.Run) -> None:
    """All passes together; alone it is that of each query's fastest call."""
    frame = measured.measure("QPS", per="trial")
    found = dict(zip(frame.select("load", "build_number").rows(), frame["value"], strict=True))
    for trial in measured.done:
        number = measured.build_of(trial).number
        latency, wall = measured.rows(trial).latency_ns, measured.facts(trial).wall_s
        assert latency is not None
        seconds = latency.min(axis=1).sum() * 1e-9 if wall is None else wall / 2
        label = label_load(find_load(measured.manifest.loads, trial.load))
        assert found[label, number] == pytest.approx(20 / seconds)


def test_documents_say_how_a_setting_was_asked(measured: vbench.Run) -> None:
    """Null for the usual way, whatever means the clients are."""
    document = json.loads(summarize(measured).to_json())
    usual = {"mode": "closed", "clients": 1, "rate": None, "batch": None, "cache": "warm"}
    assert [each["load"] for each in document["settings"]] == [
        None,
        usual | {"mode": "single", "batch": 8},
        usual | {"clients": 2},
        usual | {"clients": 2, "batch": 8},
        usual | {"mode": "open", "clients": 2, "rate": 20_000},
    ]


def test_a_client_that_fails_is_a_failed_trial(tmp_path: Path) -> None:
    """Of that load alone; the table of what failed says which."""
    with pytest.warns(vbench.VbenchWarning, match="too many files"):
        found = run(tmp_path / "run", "clients:Raises", clients=2, builds=1)
    failed = summarize(found).failed
    assert [label_load(each.load) for each in failed] == ["clients=2"]
    assert [str(each) for each in found.settings(loads=True)] == ["clients:Raises"]
    assert [str(each) for each in found.unanswered(loads=True)] == ["clients:Raises clients=2"]
    assert found.unanswered() == []


def test_at_a_recall_loads_are_of_the_settings_that_are_shown(tmp_path: Path) -> None:
    """Not of those that were tried on the way."""
    found = run(tmp_path / "run", "tunable:Kept", at_recall=0.9, batch=4, builds=1, repeats=1)
    (level,) = found.levels
    loaded = [trial.setting for trial in found.done if trial.load != SINGLE]
    assert level.chosen == loaded
    assert len(level.tried) > len(level.chosen)
    assert len(found.settings(loads=True)) == 2 * len(found.settings())


@pytest.mark.parametrize("index", ["flat", "clients:Conditional"])
def test_a_condition_holds_for_every_client(tmp_path: Path, index: str) -> None:
    """Threads and processes search under it; each view is asked under each load."""
    found = run(tmp_path / "run", index, clients=2, filters=["random:0.5"], builds=1, repeats=1)
    assert found.manifest.failures == []
    assert {(trial.view == "static", trial.load == SINGLE) for trial in found.done} == {
        (one, other) for one in (True, False) for other in (True, False)
    }
    for trial in found.done:
        assert (found.rows(trial).hits == 5).all()
