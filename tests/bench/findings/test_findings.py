"""What a reader of a run is warned of: with its numbers, where it holds and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench.bench.findings.findings import findings
from vbench.runs import files
from vbench.runs.facts import Batch, Close
from vbench.runs.rows import amend_trial
from vbench.runs.run import Run
from vbench.runs.schema import Failure, Level, Warn

M = 20


def made(folder: Path, *means: int, **manifest: Any) -> Run:
    """Two builds, as many settings as `means`, each with so many hits for every query."""
    hits = {2**number: np.full((2, M), mean) for number, mean in enumerate(means)}
    run = answered(folder / "run", {"hnsw": hits})
    return changed(run, **manifest)


def changed(run: Run, **manifest: Any) -> Run:
    files.write_manifest(run.path, msgspec.structs.replace(run.manifest, **manifest))
    return Run(run.path)


def told(run: Run, code: str, **more: Any) -> list[Warn]:
    return [each for each in findings(run, **more) if each.code == code]


def test_a_run_without_incident_has_none(tmp_path: Path) -> None:
    """Nothing is said where nothing is to be said."""
    assert findings(made(tmp_path, 5, 7, 9)) == []


@pytest.mark.parametrize(
    ("fact", "code", "says"),
    [
        ({"unstable": 3}, "unstable-ids", "hnsw ef=1: 3 of 40 queries got other ids"),
        ({"batches": [Batch(size=M, seconds=1.0, differs=4)]}, "batch-differs", "4 of 40 queries"),
        ({"duplicates": 2}, "repeated-ids", "2 ids stand twice in one answer"),
        ({"pads": 7}, "short-answers", "7 of 400 places were left empty"),
        ({"close": Close(s=1.5, error="no")}, "close-failed", "1 of 1 times: no; closing took 1.5"),
        ({"cores_seen": 1.3}, "more-cores", "kept 1.3 cores busy, with 1 threads allowed"),
    ],
)
def test_what_one_trial_met_is_told_of_its_setting(
    tmp_path: Path, fact: dict[str, Any], code: str, says: str
) -> None:
    """With how often, of how many; and nothing else is."""
    run = made(tmp_path, 5, 9)
    amend_trial(run.path, run.manifest.trials[1].key, **fact)
    (found,) = findings(Run(run.path))
    assert found.code == code
    assert says in found.message


def test_cores_a_little_above_the_threads_are_no_matter(tmp_path: Path) -> None:
    """Clocks are coarse; what building may use counts too."""
    run = made(tmp_path, 5)
    key = run.manifest.trials[0].key
    amend_trial(run.path, key, cores_seen=1.25)
    assert findings(Run(run.path)) == []
    amend_trial(run.path, key, cores_seen=3.0)
    assert told(Run(run.path), "more-cores")
    options = msgspec.structs.replace(run.manifest.options, build_threads=3)
    assert told(changed(run, options=options), "more-cores") == []


def test_ties_are_told_once_for_each_k_with_what_they_count(tmp_path: Path) -> None:
    """Which depends on the rule."""
    run = made(tmp_path, 5, 9)
    for trial in run.manifest.trials:
        amend_trial(run.path, trial.key, ties=6)
    (found,) = told(Run(run.path), "tied-neighbors")
    assert "K=10: 6 of 20 queries" in found.message
    assert "any of them is a hit under the rule 'exact-tie'" in found.why
    options = msgspec.structs.replace(run.manifest.options, rule="id")
    (found,) = told(changed(run, options=options), "tied-neighbors")
    assert "lowest ids are hits" in found.why


def test_a_wider_search_that_finds_less_is_told(tmp_path: Path) -> None:
    """Between the two settings where it does, in the order of the parameter."""
    assert told(made(tmp_path, 5, 5, 9), "not-monotone") == []
    (found,) = told(made(tmp_path / "falls", 5, 9, 7), "not-monotone")
    assert found.message == "hnsw M=16: Recall@10 falls from 0.9000 at ef=2 to 0.7000 at 4"


def test_failed_trials_come_first(tmp_path: Path) -> None:
    """Counted, with the first reason."""
    run = made(tmp_path, 9, 7)
    failures = [Failure(trial=each.key, reason=f"no {each.k}") for each in run.manifest.trials[:3]]
    first, *others = findings(changed(run, failures=failures))
    assert first.code == "failed-trials"
    assert first.message == "3 of 4 planned trials left no result; the first: no 10"
    assert [each.code for each in others] == ["not-monotone"]


@pytest.mark.parametrize(
    ("reached", "chosen", "is_told"),
    [
        (True, [{"ef": 1}], False),
        (False, [{"ef": 1}, {"ef": 2}], False),
        (False, [{"ef": 2}], True),
    ],
)
def test_a_level_that_is_missed_is_told(
    tmp_path: Path, reached: bool, chosen: list[dict[str, Any]], is_told: bool
) -> None:
    """Not where it lies between the two settings that are shown."""
    level = Level(
        index="hnsw", build={"M": 16}, fixed={}, k=10, target=0.95, tune_parameter="ef",
        tried=[(1, 0.5), (2, 0.9)], chosen=chosen, reached=reached, note="out of reach",
    )  # fmt: skip
    found = told(made(tmp_path, 5, 9, levels=[level]), "level-not-reached")
    assert bool(found) is is_told
    for each in found:
        assert each.message == "hnsw M=16: Recall@10 0.95 is not reached; out of reach"


def test_libraries_with_old_kernels_are_told(tmp_path: Path) -> None:
    """Each in the words it is given in."""
    run = made(tmp_path, 5)
    found = told(run, "old-kernel", outdated=["one is old", "two is old"])
    assert [each.message for each in found] == ["one is old", "two is old"]
