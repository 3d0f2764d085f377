"""A measure over runs: its values, its changes, and how seldom there is one where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.history import History, say_first, trace
from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.run import Run

R = "Robustness(delta=0.9)@10"


def made(folder: Path, number: int, hits: np.ndarray, ef: int = 16, **more: object) -> Run:
    """The run of one version; each is a day later."""
    run = answered(folder / f"v{number}", {"hnsw": {ef: hits}}, **more)
    document = files.read_json(run.path / files.MANIFEST)
    assert document is not None
    document["created"] = f"2026-01-{number + 1:02}T00:00:00Z"
    files.write_json(run.path / files.MANIFEST, document)
    return Run(run.path)


def history(folder: Path, chances: Sequence[float], seed: int = 0, **more: object) -> History:
    """Runs of versions that find each neighbor with this chance, three builds each."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, 0.05, 400)
    runs = [
        made(folder, number, rng.binomial(10, np.clip(chance + ease, 0, 1), (3, 400)))
        for number, chance in enumerate(chances)
    ]
    return trace(list(reversed(runs)), **more)  # type: ignore[arg-type]


def test_values_are_those_of_the_runs_from_the_oldest_on(tmp_path: Path) -> None:
    """With intervals, as `Run.measure` has them; the order of the arguments does not matter."""
    found = history(tmp_path, [0.9, 0.9, 0.9])
    (series,) = found.series
    assert [each.name for each in found.runs] == ["v0", "v1", "v2"]
    for run, point in zip(found.runs, series.points, strict=True):
        (row,) = Run(run.path).measure(R).to_dicts()
        assert (point.value, point.low, point.high) == (row["value"], row["low"], row["high"])
    assert len(found.points()) == 3


def test_a_change_is_told_where_it_is(tmp_path: Path) -> None:
    """The run from which on it is, by how much, and which way."""
    found = history(tmp_path, [0.95, 0.95, 0.95, 0.8, 0.8, 0.8])
    (series,) = found.series
    (change,) = series.changes
    assert (change.run, change.before, change.after) == ("v3", 3, 3)
    assert not change.better
    values = [point.value or 0.0 for point in series.points]
    assert change.difference.value == pytest.approx(np.mean(values[3:]) - np.mean(values[:3]))
    assert "fell by" in series.verdict
    assert "at v3" in say_first(found)


def test_two_changes_are_told_apart(tmp_path: Path) -> None:
    """One down, one up again."""
    found = history(tmp_path, [0.95] * 3 + [0.75] * 3 + [0.95] * 3)
    changes = found.series[0].changes
    assert [each.run for each in changes] == ["v3", "v6"]
    assert [each.better for each in changes] == [False, True]


def test_where_nothing_changes_hardly_ever_a_change_is_told(tmp_path: Path) -> None:
    """Of 20 histories of six runs none, or one; the level bounds it by 5 %."""
    told = sum(
        bool(history(tmp_path / str(seed), [0.9] * 6, seed).series[0].changes) for seed in range(20)
    )
    assert told <= 1


def test_the_same_answers_again_are_no_further_evidence(tmp_path: Path) -> None:
    """Runs that answer alike count once, and say so."""
    rng = np.random.default_rng(3)
    one, other = (rng.binomial(10, 0.9, (3, 400)) for _ in range(2))
    runs = [made(tmp_path, number, one if number < 5 else other) for number in range(10)]
    (series,) = trace(runs).series
    assert series.changes == []
    assert [point.identical for point in series.points[1:]] == [True] * 4 + [False] + [True] * 4
    same = trace(runs[:5])
    assert "identical answers in all 5 runs" in same.series[0].verdict
    assert say_first(same) == "Nothing changed that 5 runs would show."


def test_of_a_cost_each_run_is_one_value(tmp_path: Path) -> None:
    """Builds of one run share the day; a change needs runs on both sides."""
    hits = np.full((3, 50), 10)
    runs = [made(tmp_path, number, hits) for number in range(10)]
    (series,) = trace(runs, ["QPS"]).series
    assert (series.measure, series.changes) == ("QPS", [])


def test_runs_of_other_data_are_left_out(tmp_path: Path) -> None:
    """Of the latest run's data there must be two."""
    hits = np.full((2, 50), 10)
    runs = [made(tmp_path, number, hits) for number in range(2)]
    other = made(tmp_path, 0o10, hits, fingerprint="0" * 64)
    with pytest.raises(VbenchError, match="1 run of the data of the latest one"):
        trace([*runs, other])
    older = made(tmp_path / "old", 0, hits, fingerprint="0" * 64)
    found = trace([older, *(made(tmp_path / "new", number + 1, hits) for number in range(2))])
    assert found.left_out == (f"{older.path}: other data, or another recall rule",)
    with pytest.raises(VbenchError, match="no run"):
        trace([])
