"""The smallest setting that suffices for each query, and what choosing it per query would save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import RunFolder, answered

from vbench.analysis.efforts import effort_of, efforts_at, sweep_of
from vbench.data.dataset import GroundTruth

NARROW, MIDDLE, WIDE = [9, 9, 5, 5, 0, 0, 0, 0], [9, 9, 9, 9, 5, 5, 0, 0], [10] * 6 + [5, 0]


def test_each_query_counts_at_its_smallest_sufficient_setting(tmp_path: Path) -> None:
    """From narrow to wide by recall, whatever the order of the parameter; the others never."""
    run = answered(tmp_path / "run", {"ivf": {3: NARROW, 2: MIDDLE, 9: WIDE}})
    setting = run.settings()[0]
    assert [each.search for each in sweep_of(setting)] == [{"ef": 3}, {"ef": 2}, {"ef": 9}]
    found = effort_of(setting, 0.9)
    assert found is not None
    assert [step.setting for step in found.settings] == [{"ef": 3}, {"ef": 2}, {"ef": 9}]
    assert [step.queries.value for step in found.settings] == [0.25, 0.25, 0.25]
    assert found.never.value == 0.25
    assert [step.recall for step in found.settings] == pytest.approx([0.35, 0.575, 0.8125])


def test_efforts_are_of_every_build(tmp_path: Path) -> None:
    """A query may need more on one build than on another."""
    run = answered(tmp_path / "run", {"a": {1: [[9, 0], [0, 9]], 2: [[9, 9], [9, 9]]}})
    steps = sweep_of(run.settings()[0])
    assert efforts_at(steps, [9, 10]).tolist() == [[[0, 1], [1, 0]], [[-1, -1], [-1, -1]]]


def test_the_gain_is_that_of_each_build_in_its_own_latencies(tmp_path: Path) -> None:
    """A query takes 1,000 ns for each unit of ef: half served by 1, the others by 3."""
    run = answered(tmp_path / "run", {"a": {1: [[9, 9, 0, 0]] * 2, 3: [[9] * 4] * 2}})
    found = effort_of(run.settings()[0], 0.9)
    assert found is not None
    gain = found.gain
    assert gain is not None
    assert (gain.cost, gain.one_setting, gain.served) == ("latency", ({"ef": 3},) * 2, 1.0)
    assert (gain.one, gain.each) == pytest.approx((3e-6, 2e-6))
    assert (gain.factor, gain.spread) == pytest.approx((1.5, 0.0))


@pytest.mark.parametrize(("work", "factor"), [({1: 10.0, 3: 70.0}, 70 / 40), ({}, None)])
def test_without_times_work_counts_and_without_both_nothing(
    tmp_path: Path, work: dict[int, float], factor: float | None
) -> None:
    """As of answers that another tool measured."""
    ids = np.tile(np.arange(20, dtype=np.int32), (4, 1))
    run = RunFolder(tmp_path / "run", GroundTruth(ids, ids.astype(float)))
    build = run.build("a")
    for ef, hits in ((1, [9, 9, 0, 0]), (3, [9] * 4)):
        none = np.empty((4, 0))
        run.answer(run.trial(build, ef, 10), ids[:, :10], np.array(hits), none, work=work.get(ef))
    found = effort_of(run.close().settings()[0], 0.9)
    assert found is not None
    if factor is None:
        assert found.gain is None
    else:
        assert found.gain is not None
        assert (found.gain.cost, found.gain.factor) == ("work", pytest.approx(factor))
        assert found.gain.spread is None


def test_one_setting_has_no_efforts(tmp_path: Path) -> None:
    """Nor have settings of other builds, or at another K."""
    run = answered(tmp_path / "run", {"a": {1: NARROW}, "b": {2: WIDE}})
    assert [effort_of(setting, 0.9) for setting in run.settings()] == [None, None]
