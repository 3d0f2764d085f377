"""What is said of times that are not to be believed as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.summary import summarize
from vbench.bench.findings.timing import warn_of_time
from vbench.runs.facts import Pass
from vbench.runs.rows import write_trial
from vbench.runs.run import Run
from vbench.runs.schema import Warn

M = 30
QUIET, BUSY = Pass(cpu_share=1.0, wall_s=1.0), Pass(cpu_share=0.5, disturbed=True, wall_s=1.0)


def made(folder: Path, ns: Any = None, first: Any = None, **facts: Any) -> Run:
    """A run of one trial with these times, first touches and facts."""
    run = answered(folder, {"hnsw": {16: np.full(M, 9)}})
    (trial,) = run.done
    rows = run.rows(trial)
    if ns is not None:
        rows = msgspec.structs.replace(rows, latency_ns=np.asarray(ns, np.int64))
    if first is not None:
        rows = msgspec.structs.replace(rows, first_ns=np.asarray(first, np.int64))
    write_trial(folder, msgspec.structs.replace(run.facts(trial), **facts), rows)
    return Run(folder)


def said(run: Run) -> list[Warn]:
    return list(warn_of_time(run, run.settings()))


def times(first: int, later: int, passes: int = 3) -> np.ndarray:
    """The first pass takes so long a query, the others so long."""
    ns = np.full((M, passes), later)
    ns[:, 0] = first
    return ns


def test_an_index_that_remembers_answers_is_told(tmp_path: Path) -> None:
    """With how many times faster it is asked again."""
    ns = times(60_000, 2_000)
    (warning,) = said(made(tmp_path / "run", ns, ns[:, 0]))
    assert warning.code == "cache"
    assert "asked again ×30 faster" in warning.message
    assert warning.setting is not None


@pytest.mark.parametrize(
    ("first", "later", "remembers"),
    [(60_000, 20_000, True), (59_000, 20_000, False), (29_000, 9_500, False), (9_000, 100, False)],
)
def test_what_is_a_little_slower_at_first_remembers_nothing(
    tmp_path: Path, first: int, later: int, *, remembers: bool
) -> None:
    """Three times and 20 µs more, both."""
    ns = times(first, later)
    assert bool(said(made(tmp_path / "run", ns, ns[:, 0]))) is remembers


def test_a_first_pass_that_was_made_again_still_tells(tmp_path: Path) -> None:
    """Then all counted passes are later ones, also where there is one."""
    ns = times(2_000, 2_000, passes=1)
    (warning,) = said(made(tmp_path / "run", ns, np.full(M, 80_000), redone=1))
    assert warning.code == "cache"
    assert said(made(tmp_path / "one", ns, ns[:, 0])) == []
    assert said(made(tmp_path / "old", ns)) == []


def test_what_is_known_from_another_setting_is_told(tmp_path: Path) -> None:
    """By queries that no setting had asked; a little more time than the others is no matter."""
    ns = times(2_000, 2_000)
    (warning,) = said(made(tmp_path / "known", ns, ns[:, 0], unseen_ns=90_000.0))
    assert "×45 faster" in warning.message
    assert said(made(tmp_path / "not", ns, ns[:, 0], unseen_ns=21_000.0)) == []


def test_a_few_slow_first_touches_are_no_cache(tmp_path: Path) -> None:
    """Medians are compared."""
    ns = times(5_000, 5_000)
    ns[: M // 3, 0] = 9_000_000
    assert said(made(tmp_path / "run", ns, ns[:, 0])) == []


@pytest.mark.parametrize(
    ("facts", "differ"),
    [
        ({"clock_ratio": 0.001, "passes": [Pass(cpu_share=9.0, wall_s=0.002)]}, True),
        ({"clock_ratio": 1000.0, "passes": [BUSY]}, True),
        ({"clock_ratio": 0.94, "passes": [QUIET]}, True),
        ({"clock_ratio": 1.06, "passes": [QUIET]}, True),
        ({"clock_ratio": 0.96, "passes": [QUIET]}, False),
        ({"clock_ratio": 0.8, "passes": [Pass(cpu_share=1.0, wall_s=0.01)]}, False),
        ({"clock_ratio": 0.5, "passes": [BUSY]}, False),
        ({"clock_ratio": None, "passes": [QUIET]}, False),
    ],
)
def test_clocks_that_differ_are_told(
    tmp_path: Path, facts: dict[str, Any], *, differ: bool
) -> None:
    """By more than 5 % and 5 ms; a worker that waits for its core sees less time go by."""
    found = said(made(tmp_path / "run", **facts))
    assert ("clocks" in {each.code for each in found}) is differ


def test_disturbed_trials_are_told_and_marked(tmp_path: Path) -> None:
    """Those disturbed in every pass by themselves, since their latency is no other's."""
    (warning,) = said(made(tmp_path / "some", passes=[BUSY, QUIET]))
    assert "1 of 1 trials were disturbed: the worker had its core" in warning.message
    assert "50%" in warning.message
    whole = made(tmp_path / "all", passes=[BUSY, BUSY])
    (warning,) = said(whole)
    assert "1 of them in every pass" in warning.message
    assert summarize(whole).settings[0].disturbed == 1
    assert summarize(made(tmp_path / "none")).settings[0].disturbed == 0


def test_latency_leaves_disturbed_passes_out(tmp_path: Path) -> None:
    """QPS does not: it is of each query's fastest call."""
    ns = times(5_000, 7_000, passes=2)
    run = made(tmp_path / "run", ns, passes=[BUSY, QUIET], cpu_ns=4_000.0)
    assert run.measure("Latency(p=50)")["value"].to_list() == pytest.approx([7e-6])
    assert run.measure("BestLatency(p=50)")["value"].to_list() == pytest.approx([5e-6])
    assert run.measure("QPS")["value"].to_list() == pytest.approx([200_000])
    assert run.measure("CpuTime")["value"].to_list() == pytest.approx([4e-6])
