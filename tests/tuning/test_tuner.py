"""Tuning end to end: few trials, the cheapest setting, an honest certificate."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.tuning import read_tuning
from vbench.data.dataset import Dataset
from vbench.errors import MissingExtraError, VbenchError
from vbench.measures.grammar import parse
from vbench.measures.targets import parse_targets
from vbench.numbers import write
from vbench.runs import files
from vbench.tuning.trials import split_queries
from vbench.tuning.tuner import find_unattainable

WORK = "Latency(p=50)"
TARGET = "Robustness(delta=0.6)@5>=0.8"


def made(m: int = 400) -> Dataset:
    return Dataset("tiny", *gaussian_pair(640, m, 8, seed=7), "l2")


def tuned(
    index: str | list[str], out: Path, target: str = TARGET, **changes: object
) -> vbench.Tuning:
    options: dict = {"builds": 1, "repeats": 1, "out": out, "minimize": WORK}
    return vbench.tune(made(), index, target, **options | changes)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> vbench.Tuning:
    """One index, one parameter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return tuned("tunable:Kept", tmp_path_factory.mktemp("found") / "run", builds=2)


def test_one_parameter_takes_a_dozen_trials_and_is_certified(found: vbench.Tuning) -> None:
    """The claim is about queries that were held out, in every build."""
    assert found.certified
    assert 3 <= len(found.tried) <= 12
    (target,) = found.best.targets
    assert target.held_out.bound is not None
    assert target.held_out.bound >= 0.8
    assert len(target.held_out.builds) == 2
    assert (found.queries.calibration, found.queries.held_out) == (200, 200)


def test_the_certified_setting_is_hardly_wider_than_need_be(found: vbench.Tuning) -> None:
    """It lies within the width of the bound of the narrowest that meets the target."""
    met = [
        setting.search["keep"]
        for setting in vbench.open(found.run).settings()
        if (setting.hits >= 3).mean() >= 0.8
    ]
    assert min(met) <= found.best.setting["keep"] <= 1.5 * min(met)


def test_the_same_call_again_measures_nothing(found: vbench.Tuning) -> None:
    """All trials are in the run folder; another target of the same space uses them too."""
    trials = Path(found.run) / "trials"
    before = {path: path.stat().st_mtime_ns for path in trials.iterdir()}
    again = tuned("tunable:Kept", Path(found.run), builds=2)
    assert again.best == found.best
    assert {path: path.stat().st_mtime_ns for path in trials.iterdir()} == before


def test_a_target_out_of_reach_names_the_best_that_was_reached(tmp_path: Path) -> None:
    """Nothing is certified, and the numbers say how far it is."""
    missed = tuned("tunable:Half", tmp_path / "run")
    assert (missed.met, missed.certified) == (False, False)
    assert "no setting that was tried reaches Robustness(delta=0.6)@5>=0.8" in missed.verdict
    best = max(each.measures["Robustness(delta=0.6)@5"].value for each in missed.tried)
    assert f"the best reached is {write(best, 'share')} at tunable:Half" in missed.verdict


def test_too_few_queries_leave_it_uncertified(tmp_path: Path) -> None:
    """A target that is met but cannot be shown says how many more queries it takes."""
    met = tuned("tunable:Kept", tmp_path / "run", "Robustness(delta=0.2)@5>=0.99")
    assert met.met
    assert not met.certified
    assert "more queries needed" in met.verdict or "no number" in met.verdict


def test_several_indexes_are_compared_by_the_objective(tmp_path: Path) -> None:
    """The best of all is chosen; each keeps its own budget, and its own best."""
    both = tuned(["tunable:Half", "tunable:Kept"], tmp_path / "run")
    assert both.best.index == "tunable:Kept"
    assert [(each.index, each.met) for each in both.indexes] == [
        ("tunable:Half", False),
        ("tunable:Kept", True),
    ]


def test_a_cost_bounds_the_search_for_quality(tmp_path: Path) -> None:
    """The widest search within all costs is found, where quality is to be maximized."""
    found = tuned(
        "tunable:Kept",
        tmp_path / "run",
        "Recall@5>=0.2 and Latency(p=50)<=1s",
        minimize=None,
        maximize="Recall@5",
    )
    assert found.best.objective.calibration == 1.0


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra tune")
def test_several_parameters_are_searched_together(tmp_path: Path) -> None:
    """Build parameters too: the smallest index that reaches the target within its parameter."""
    found = tuned(
        "tunable:Grown",
        tmp_path / "run",
        settings={"growth": [1, 2, 4], "keep": [1, 24]},
        minimize="IndexSize",
        seed=1,
    )
    assert found.certified
    assert found.best.build == {"growth": 2}
    assert len(found.tried) <= 36


@pytest.mark.skipif(importlib.util.find_spec("optuna") is not None, reason="Optuna is installed")
def test_without_optuna_several_parameters_are_refused(tmp_path: Path) -> None:
    """The message names the extra."""
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[tune\]"):
        tuned("tunable:Grown", tmp_path / "run", settings={"growth": [1, 2]})


def test_a_fault_of_one_index_leaves_the_other(tmp_path: Path) -> None:
    """Its settings up to the fault count; an index without any is an error of its own."""
    both = tuned(["tunable:FailsAbove", "tunable:Kept"], tmp_path / "run")
    assert both.certified
    assert both.best.index == "tunable:Kept"
    assert both.failed
    with pytest.raises(VbenchError, match=r"no setting could be measured: .*no license"):
        tuned("misbehaving:RaisesInInit", tmp_path / "none")


def test_a_single_value_is_tested(tmp_path: Path) -> None:
    """It is certified, or not met."""
    good = tuned("tunable:Kept", tmp_path / "good", settings={"keep": [20]}, target="Recall@5>=0.1")
    assert good.certified
    assert [each.setting for each in good.tried] == [{"keep": 20}]
    bad = tuned("tunable:Kept", tmp_path / "bad", settings={"keep": [20]}, target="Recall@5>=0.99")
    assert not bad.certified


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": "Recall@5<=0.9"}, "more is better"),
        ({"target": "Recall@5>=0.9", "minimize": None, "maximize": "Recall@5"}, "bound a cost"),
        ({"minimize": "Work"}, "does not record Work"),
        ({"trials": 0}, "trials=0"),
        ({"level": 1.0}, "level=1.0"),
        ({"k": 7}, "k=7"),
        ({"settings": {"kep": [9]}}, "did you mean 'keep'"),
    ],
)
def test_a_wrong_call_is_refused_in_words(tmp_path: Path, changes: dict, says: str) -> None:
    """What was given and what to write."""
    with pytest.raises(VbenchError) as caught:
        tuned("tunable:Kept", tmp_path / "run", **changes)
    assert says in str(caught.value)


def test_half_of_a_few_queries_is_no_evidence(tmp_path: Path) -> None:
    """So few are refused at once."""
    with pytest.raises(VbenchError, match="10 queries cannot be divided"):
        vbench.tune(made(10), "tunable:Kept", TARGET, out=tmp_path / "run")


def test_the_run_folder_is_a_run(found: vbench.Tuning) -> None:
    """What tuning measured can be opened, shown and compared like any run."""
    run = vbench.open(found.run)
    assert len(run.settings()) == len(found.tried)
    assert all(files.trial_path(run.path, trial.key).is_file() for trial in run.manifest.trials)


def test_an_index_is_tuned_with_what_it_learned(tmp_path: Path) -> None:
    """Of queries that neither half of the others holds."""
    base, queries = gaussian_pair(640, 400, 8, seed=7)
    found = vbench.tune(
        base,
        "learners:Needed",
        TARGET,
        queries=queries,
        metric="l2",
        learn=100,
        builds=1,
        repeats=1,
        out=tmp_path / "run",
    )
    run = vbench.open(found.run)
    assert run.manifest.dataset.m == 300
    assert all(build.learn for build in run.manifest.builds)


def test_a_target_of_a_segment_is_judged_on_its_queries_alone(tmp_path: Path) -> None:
    """In both halves; the rest of the queries does not count, and the answer names the segment."""
    data = made()
    halves = pl.Series("kind", ["near", "far"] * (data.m // 2))
    data = dataclasses.replace(data, segments=pl.DataFrame(halves))
    target = "Robustness(delta=0.6)@5>=0.7 where kind='near'"
    found = vbench.tune(data, "tunable:Kept", target, builds=2, repeats=1, out=tmp_path / "run",
                        price="core=3600", settings={"keep": [100, 200]})  # fmt: skip
    assert found.objective == "minimize Price(core=3600.0,GB=0.0)"
    assert found.targets == ["Robustness(delta=0.6)@5>=0.7 where kind=near"]
    _, held_out = split_queries(data.m, 0)
    near = held_out[held_out % 2 == 0]
    run = vbench.open(found.run)
    (best,) = [each for each in run.settings() if each.search == found.best.setting]
    (evidence,) = found.best.targets
    assert evidence.held_out.value == pytest.approx((best.hits[:, near] >= 3).mean())
    assert set(found.tried[0].measures) == {str(parse("Price(core=3600)")), evidence.measure}
    assert found.answer is not None
    assert {each.segment for each in found.answer.groups} == {"near", "far"}
    assert found.answer.queries == len(held_out)
    assert read_tuning(run.path) == found
    with pytest.raises(VbenchError, match="no query has kind=nowhere; kind is far, near"):
        vbench.tune(data, "tunable:Kept", "Recall@5>=0.7 where kind=nowhere", out=tmp_path / "no")
    with pytest.raises(VbenchError, match="unknown column of the queries 'activity'"):
        vbench.tune(data, "tunable:Kept", "Recall@5>=0.7 where activity=new", out=tmp_path / "no")
    assert find_unattainable(data, "R0.6@5>=0.98 where kind=near and R0.6@5>=0.98", 0.95) == (
        parse_targets("R0.6@5>=0.98 where kind=near")
    )
