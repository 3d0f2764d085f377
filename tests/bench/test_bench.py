"""Trials are asked for, scored and stored; what goes wrong costs no more than it must."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_workers import MadeWorkers, made_bench
from vectors import gaussian_pair

from vbench.bench.bench import Bench
from vbench.bench.folder import ClaimedFolder
from vbench.bench.prepare import MeasureOptions, PreparedRun, prepare
from vbench.bench.session import TrialError
from vbench.data.dataset import Dataset
from vbench.errors import VbenchWarning
from vbench.runs import files
from vbench.runs.facts import Close
from vbench.runs.rows import read_facts, read_rows

K = 4
CRASH = TrialError("killed", "last words", kind="signal", fatal=True)


@pytest.fixture(scope="module")
def prepared() -> PreparedRun:
    """Two builds of an index, eight settings each."""
    dataset = Dataset("made", *gaussian_pair(60, 5, 4), "l2")
    settings = {"keep": list(range(1, 9))}
    return prepare(dataset, "tunable:Kept", settings, MeasureOptions(k=K, builds=2, repeats=3))


def carry_out(bench: Bench, prepared: PreparedRun, builds: int = 1) -> None:
    for build in prepared.plan.builds[:builds]:
        bench.carry_out(build, prepared.plan.trials_of(build))


def asked(workers: MadeWorkers, repeats: int = 3) -> list[int]:
    """What was measured, in order; with one repeat, what a build was only tried with."""
    return [setting["keep"] for _, setting, times in workers.asked if times == repeats]


def reasons(bench: Bench) -> list[str]:
    return [each.reason for each in bench.journal.manifest.failures]


def _undisturbed(prepared: PreparedRun, folder: Path) -> MadeWorkers:
    bench, workers = made_bench(prepared, folder)
    carry_out(bench, prepared)
    return workers


def test_the_settings_of_each_build_are_shuffled_in_an_order_of_its_own(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """So that a drift of the machine is no effect of a parameter; the same plan, the same order."""
    orders = []
    for name in ("one", "two"):
        bench, workers = made_bench(prepared, tmp_path / name)
        carry_out(bench, prepared, builds=2)
        orders += [asked(workers)[:8], asked(workers)[8:]]
        assert workers.started == workers.released == [b.key for b in prepared.plan.builds]
    assert orders[:2] == orders[2:]
    assert orders[0] != orders[1]
    for order in orders:
        assert sorted(order) == list(range(1, 9)) != order


def test_what_was_measured_is_stored(prepared: PreparedRun, tmp_path: Path) -> None:
    """All that the worker said and all that follows from its ids, under the key of the trial."""
    bench, _ = made_bench(prepared, tmp_path, lambda build, setting: 3)
    carry_out(bench, prepared)
    trial = prepared.plan.trials[0]
    path = files.trial_path(tmp_path, trial.key)
    facts = read_facts(path)
    rows = read_rows(path, facts)
    assert rows.hits.tolist() == [3] * 5
    assert rows.latency_ns is not None
    assert rows.latency_ns.shape == (5, 3)
    assert (facts.trial, facts.build.space, facts.redone, facts.pads) == (trial, "none", 1, 5)
    assert [each.order_seed for each in facts.passes] == [0, 1, 2]
    assert (facts.phases, facts.sizes) == ({"fit": 2.0}, {"index": 1000})
    assert (facts.work, facts.cpu_ns, facts.outside_ns) == (7.0, 900.0, 50.0)
    assert (facts.batches[0].size, facts.batches[0].differs) == (5, 3)
    assert facts.cores_seen == 0.75
    assert facts.clock_ratio == pytest.approx(0.9)


def test_what_is_done_is_not_asked_again(prepared: PreparedRun, tmp_path: Path) -> None:
    """A build that has all its results is not even built."""
    bench, _ = made_bench(prepared, tmp_path)
    carry_out(bench, prepared)
    for build in prepared.plan.builds[:1]:
        bench.carry_out(build, prepared.plan.trials_of(build)[:2])
    again, workers = made_bench(prepared, tmp_path)
    carry_out(again, prepared)
    assert workers.started == workers.asked == []


def test_a_fault_costs_one_trial(prepared: PreparedRun, tmp_path: Path) -> None:
    """The worker that raised it goes on; one that died is started again."""
    first = asked(_undisturbed(prepared, tmp_path))[0]
    for fatal, starts in ((False, 1), (True, 2)):
        bench, workers = made_bench(prepared, tmp_path / str(fatal))
        workers.faults[first] = TrialError("no", fatal=fatal)
        carry_out(bench, prepared)
        assert len(workers.asked) == 8
        assert len(workers.started) == starts
        (failure,) = bench.journal.manifest.failures
        failed = next(each for each in prepared.plan.trials if each.setting == {"keep": first})
        assert (failure.trial, failure.reason) == (failed.key, "no")


def test_two_deaths_in_a_row_end_a_build(prepared: PreparedRun, tmp_path: Path) -> None:
    """With what was left told; a result between them begins the count anew."""
    bench, workers = made_bench(prepared, tmp_path / "all")
    workers.faults = dict.fromkeys(range(1, 9), CRASH)
    carry_out(bench, prepared)
    assert len(workers.asked) == 2
    assert reasons(bench)[:2] == ["killed", "killed"]
    assert len(reasons(bench)) == 8
    assert set(reasons(bench)[2:]) == {
        "not tried: 2 workers in a row died on other settings of this build"
    }
    order = asked(_undisturbed(prepared, tmp_path / "order"))
    bench, workers = made_bench(prepared, tmp_path / "apart")
    workers.faults = {order[0]: CRASH, order[2]: CRASH, order[4]: CRASH}
    carry_out(bench, prepared)
    assert asked(workers) == order
    assert reasons(bench) == ["killed"] * 3
    assert bench.journal.manifest.failures[0].kind == "signal"
    assert bench.journal.manifest.failures[0].log == "last words"


def test_an_index_that_cannot_be_built_fails_all_its_trials_at_once(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """It is tried once; the other build is measured."""
    bench, workers = made_bench(prepared, tmp_path)
    first, second = prepared.plan.builds
    workers.faults[first.key] = TrialError("out of memory", fatal=True)
    carry_out(bench, prepared, builds=2)
    assert workers.started == [first.key, second.key]
    assert reasons(bench) == ["out of memory"] * 8
    assert len(workers.asked) == 8


def test_one_setting_is_asked_of_all_builds_there_and_back(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """The workers stay; what is stored is not asked again and turns nothing round."""
    bench, workers = made_bench(prepared, tmp_path)
    builds = prepared.plan.builds
    for keep in (20, 20, 21, 22):
        trials = bench.ask(builds, {"keep": keep}, K)
        assert [trial.build for trial in trials] == [build.key for build in builds]
    one, two = (build.key for build in builds)
    assert [key for key, *_ in workers.asked] == [one, two, two, one, one, two]
    assert workers.started == [one, two]
    assert len(bench.journal.manifest.trials) == 16 + 6


def test_a_setting_that_fails_on_one_build_is_not_tried_on_the_others(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """Both are noted, with the build that failed."""
    bench, workers = made_bench(prepared, tmp_path)
    workers.faults[20] = CRASH
    with pytest.raises(TrialError, match="killed"):
        bench.ask(prepared.plan.builds, {"keep": 20}, K)
    assert len(workers.asked) == 1
    assert reasons(bench) == ["killed", "not tried: build 1 left no result at this setting"]
    assert workers.released == [prepared.plan.builds[0].key]


def again(
    prepared: PreparedRun, folder: Path, keep: int = 0, *, early: bool = True, **said: str
) -> tuple[Any, ...]:
    """Measure one trial; then, as another call would, all of the first build."""
    bench, workers = made_bench(prepared, folder, lambda build, setting: 2)
    workers.said = {"server": "1"}
    build, trial = prepared.plan.builds[0], prepared.plan.trials[0]
    bench.carry_out(build, [trial])
    claimed = ClaimedFolder(bench.journal.manifest, frozenset({trial.key}), False)
    bench, workers = made_bench(prepared, folder, lambda build, setting: 2 + keep, claimed=claimed)
    workers.said, workers.knows_early = {"server": "1"} | said, early
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        carry_out(bench, prepared)
    told = [str(each.message) for each in caught if each.category is VbenchWarning]
    return bench, workers, told


def test_a_build_that_answers_as_before_keeps_its_results(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """It is asked for one of them once, untimed."""
    _, workers, told = again(prepared, tmp_path)
    first = prepared.plan.trials[0].setting
    assert asked(workers, repeats=1) == [first["keep"]]
    assert sorted(asked(workers)) == list(range(2, 9))
    assert told == []


def test_a_build_that_answers_otherwise_is_measured_whole(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """The same key would hold two indexes."""
    bench, workers, told = again(prepared, tmp_path, keep=1)
    assert "built again from the same seed it answers otherwise; measured again: 1" in told[0]
    assert (asked(workers, repeats=1), sorted(asked(workers))) == ([1], list(range(1, 9)))
    for trial in prepared.plan.trials[:8]:
        path = files.trial_path(tmp_path, trial.key)
        assert read_rows(path, read_facts(path)).hits.tolist() == [3] * 5
    assert len(list((tmp_path / files.OLD).iterdir())) == 1
    assert bench.journal.why == told


@pytest.mark.parametrize("early", [True, False])
def test_a_server_of_another_version_is_measured_whole(
    prepared: PreparedRun, tmp_path: Path, *, early: bool
) -> None:
    """Said before it is built or only then: without asking whether it answers alike."""
    bench, workers, told = again(prepared, tmp_path, early=early, server="2")
    assert "it is of version server 2 now, was server 1; measured again" in told[0]
    assert (asked(workers, repeats=1), sorted(asked(workers))) == ([], list(range(1, 9)))
    assert bench.journal.manifest.builds[0].server == {"server": "2"}
    assert bench.journal.manifest.builds[1].server is None


def test_how_an_index_was_closed_is_noted_with_its_last_trial(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """And with no other."""
    bench, workers = made_bench(prepared, tmp_path)
    carry_out(bench, prepared)
    closes = {
        trial.setting["keep"]: read_facts(files.trial_path(tmp_path, trial.key)).close
        for trial in prepared.plan.trials[:8]
    }
    last = asked(workers)[-1]
    assert closes.pop(last) == Close(s=0.25)
    assert set(closes.values()) == {None}


def test_the_harness_is_measured_once_and_kernels_are_noted(
    prepared: PreparedRun, tmp_path: Path
) -> None:
    """Before the first index is built; a later call takes what is there."""
    told: list[str] = []
    bench, _ = made_bench(
        prepared, tmp_path, progress=lambda doing, done, total: told.append(doing)
    )
    carry_out(bench, prepared, builds=2)
    manifest = bench.journal.manifest
    assert told.count("the harness itself") == 1
    assert told[:2] == ["the harness itself", "tunable:Kept build 1/2"]
    assert manifest.overhead is not None
    assert manifest.environments[bench.journal.environment].kernels["lib"] == "AVX"
    before = msgspec.structs.replace(manifest)
    bench, _ = made_bench(prepared, tmp_path, claimed=ClaimedFolder(before, frozenset(), False))
    assert bench.journal.manifest.overhead == manifest.overhead


def test_ids_are_scored_against_the_exact_neighbors(prepared: PreparedRun, tmp_path: Path) -> None:
    """By setting and build."""
    first = prepared.plan.builds[0]
    bench, _ = made_bench(
        prepared,
        tmp_path,
        lambda build, setting: min(K, setting["keep"]) - (build.key != first.key),
    )
    carry_out(bench, prepared, builds=2)
    for trial in prepared.plan.trials:
        path = files.trial_path(tmp_path, trial.key)
        expected = min(K, trial.setting["keep"]) - (trial.build != first.key)
        assert np.all(read_rows(path, read_facts(path), ()).hits == expected)
