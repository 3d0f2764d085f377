"""A run tells where a load changed answers, and where a rate was more than an index can do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from run_folder import answered

from vbench.bench.findings.findings import findings
from vbench.runs.files import trial_path
from vbench.runs.rows import read_facts, read_rows, write_trial
from vbench.runs.schema import Load

TWO = Load(key="c2", mode="closed", clients=2, by="threads")
HITS = np.random.default_rng(5).integers(6, 10, size=(2, 50))


def rate_of(value: float) -> Load:
    return Load(key="r", mode="open", rate=value)


def codes(folder: Path, loads: dict[Load, float]) -> list[str]:
    run = answered(folder, {"a": {1: HITS}}, loads=loads)
    return [each.code for each in findings(run)]


def test_the_same_answers_are_no_finding(tmp_path: Path) -> None:
    """Of several clients, and at a rate that is reached."""
    found = codes(tmp_path / "run", {TWO: 2.0, rate_of(90_000): 11.0})
    assert not {"load-differs", "rate-not-reached"} & set(found)


def test_other_answers_than_alone_are_told(tmp_path: Path) -> None:
    """Unless as many queries change when they are asked again."""
    run = answered(tmp_path / "run", {"a": {1: HITS}}, loads={TWO: 2.0})
    trial = next(each for each in run.manifest.trials if each.load == "c2")
    path = trial_path(run.path, trial.key)
    facts, rows = read_facts(path), read_rows(path, read_facts(path))
    assert rows.ids is not None
    changed = rows.ids.copy()
    changed[:7, 0] = 900
    write_trial(
        run.path, facts, type(rows)(ids=changed, hits=rows.hits, latency_ns=rows.latency_ns)
    )
    (found,) = [each for each in findings(type(run)(run.path)) if each.code == "load-differs"]
    assert found.message == "a ef=1 clients=2: 7 of 100 queries got other ids than alone"
    assert found.setting == "a ef=1 clients=2"


def test_a_rate_that_is_not_reached_is_told(tmp_path: Path) -> None:
    """With what was answered."""
    run = answered(tmp_path / "run", {"a": {1: HITS}}, loads={rate_of(500_000): 4.0})
    (found,) = [each for each in findings(run) if each.code == "rate-not-reached"]
    assert found.message == "a ef=1 rate=500000: 250,000 answers a second, asked 500000"
