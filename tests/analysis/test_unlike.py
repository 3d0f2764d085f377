"""What differs between two sides beside their answers, and what that leaves to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.compare import compare
from vbench.analysis.comparison import Comparison
from vbench.runs import files
from vbench.runs.rows import amend_trial
from vbench.runs.run import Run
from vbench.runs.schema import Environment, Machine

HERE = Environment(
    machine=Machine(processor="One", cores=2, memory_bytes=8 * 10**9, python="3.12.1"),
    packages={"hnswlib": "0.8.0", "numpy": "2.0"},
)


def changed(machine: dict[str, Any] | None = None, **more: Any) -> Environment:
    """Another environment than HERE."""
    replaced = msgspec.structs.replace(HERE.machine, **machine or {})
    return msgspec.structs.replace(HERE, machine=replaced, **more)


def run_in(folder: Path, environment: Environment | None, draw: int, **options: Any) -> Run:
    """A run of one index that was measured in an environment."""
    chances = np.random.default_rng(draw).binomial(10, 0.9, size=(3, 400))
    run = answered(folder, {"hnsw": {16: chances}})
    manifest = msgspec.structs.replace(
        run.manifest,
        environments={} if environment is None else {"here": environment},
        options=msgspec.structs.replace(run.manifest.options, **options),
    )
    files.write_manifest(folder, manifest)
    if environment is not None:
        for trial in run.done:
            amend_trial(folder, trial.key, environment="here")
    return Run(folder)


def between(
    tmp_path: Path,
    before: Environment | None,
    after: Environment | None,
    options: dict[str, Any] | None = None,
    **more: Any,
) -> Comparison:
    """The comparison of a run in one environment with one in another."""
    first = run_in(tmp_path / "before", before, 1)
    return compare([first, run_in(tmp_path / "after", after, 2, **options or {})], **more)


def changes(found: Comparison) -> list[tuple[str, str]]:
    return [(each.aspect, str(each)) for each in found.changes]


def test_what_is_equal_is_not_said(tmp_path: Path) -> None:
    """Two runs of one environment and one plan differ in their answers alone."""
    found = between(tmp_path, HERE, HERE)
    assert found.changes == ()
    assert not any("unlike" in each.code for each in found.warnings)


def test_versions_come_first(tmp_path: Path) -> None:
    """Of packages, of Python; then the machine, threads and options."""
    after = changed(
        {"processor": "Two", "python": "3.13.0"}, packages={"hnswlib": "0.9.0", "numpy": "2.0"}
    )
    assert changes(between(tmp_path, HERE, after, {"threads": 2, "seed": 1})) == [
        ("version", "python 3.12.1 → 3.13.0"),
        ("version", "hnswlib 0.8.0 → 0.9.0"),
        ("machine", "processor One → Two"),
        ("threads", "threads 1 → 2"),
        ("threads", "build threads 1 → 2"),
        ("setting", "seed 0 → 1"),
    ]


@pytest.mark.parametrize(
    ("after", "options"),
    [
        (changed({"processor": "Two"}), {}),
        (changed({"cores": 4}), {}),
        (HERE, {"threads": 2}),
        (HERE, {"build_threads": 2}),
        (None, {}),
    ],
)
def test_costs_of_unlike_machines_get_no_verdict(
    tmp_path: Path, after: Environment | None, options: dict[str, Any]
) -> None:
    """A warning, and a gate ends with 3; the size of an index is the same anywhere."""
    measures = ["QPS", "IndexSize", "Recall@10"]
    found = between(tmp_path, HERE, after, options, measures=measures, fail_if_worse=0.5)
    assert [row.unjudged is None for row in found.comparisons] == [False, True, True]
    assert not found.comparisons[0].different
    assert found.comparisons[0].verdict.startswith("QPS cannot be judged: measured on unlike ")
    assert found.gate is not None
    assert found.gate.exit_code == 3
    (warning,) = [each for each in found.warnings if each.code == "unlike-costs"]
    assert "accuracy is comparable" in warning.why


def test_accuracy_of_unlike_machines_is_comparable(tmp_path: Path) -> None:
    """And says so; a gate judges it."""
    found = between(
        tmp_path, HERE, changed({"processor": "Two"}), measures=["Recall@10"], fail_if_worse=0.5
    )
    assert found.comparisons[0].p is not None
    assert found.gate is not None
    assert found.gate.exit_code == 0
    (warning,) = [each for each in found.warnings if each.code == "unlike-machines"]
    assert warning.why.startswith("accuracy is comparable")


def test_an_update_makes_no_other_machine(tmp_path: Path) -> None:
    """Versions, the kernel of the system, memory and the host are named alone."""
    after = changed({"memory_bytes": 16 * 10**9, "system": "Linux 7"}, packages={"numpy": "2.1"})
    found = between(tmp_path, HERE, after, measures=["QPS"])
    assert ("machine", "memory 8.00 GB → 16.0 GB") in changes(found)
    assert ("version", "hnswlib 0.8.0 → –") in changes(found)
    assert found.comparisons[0].unjudged is None


def test_what_neither_recorded_is_not_held_against_either(tmp_path: Path) -> None:
    """Results of other tools say nothing of a machine."""
    found = between(tmp_path, None, None, measures=["QPS"])
    assert found.changes == ()
    assert found.comparisons[0].unjudged is None
