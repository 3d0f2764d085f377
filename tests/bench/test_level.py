"""Matched recall: indexes brought to one mean recall, the same setting on every build."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_workers import made_bench
from vectors import gaussian_pair

import vbench
from vbench.bench.level import bring_to_level
from vbench.bench.prepare import MeasureOptions, prepare
from vbench.bench.session import TrialError
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.schema import Build, Level

K = 5
TARGET = 0.82


def made() -> Dataset:
    return Dataset("tiny", *gaussian_pair(640, 60, 8, seed=5), "l2")


def level(index: str | list[str], out: Path, **changes: object) -> vbench.Run:
    options: dict = {"k": K, "builds": 2, "repeats": 1, "at_recall": TARGET, "out": out}
    return vbench.run(made(), index, **options | changes)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> vbench.Run:
    """A run that no test changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return level("tunable:Kept", tmp_path_factory.mktemp("first") / "run")


@pytest.fixture
def copy(first: vbench.Run, tmp_path: Path) -> vbench.Run:
    """The same, to change."""
    return vbench.open(shutil.copytree(first.path, tmp_path / "run"))


def test_the_two_settings_around_the_target_are_shown(first: vbench.Run) -> None:
    """Where no whole number lies inside; each on every build, and few tries on the way."""
    (found,) = first.manifest.levels
    low, high = (setting.search["keep"] for setting in first.settings())
    recalls = first.measure(f"Recall@{K}")["value"].to_list()
    assert (found.reached, high) == (False, low + 1)
    assert recalls[0] < TARGET < recalls[1]
    assert "no value of keep lies between" in found.note
    assert all(len(setting.trials) == 2 for setting in first.settings(steps=True))
    assert len(found.tried) == len(first.settings(steps=True)) <= 12


def found_by(
    folder: Path,
    recall: Callable[[int, Any], float],
    target: float,
    *,
    index: str = "tunable:Kept",
    faults: Iterable[int] = (),
) -> tuple[Level, list[int]]:
    """How two builds are brought to the target that have this recall at `keep`; what was tried."""
    prepared = prepare(made(), index, None, MeasureOptions(k=K, builds=2, at_recall=target))

    def hits(build: Build, setting: Mapping[str, Any]) -> np.ndarray:
        least, more = divmod(
            round(recall(build.number, next(iter(setting.values()), 0)) * K * 60), 60
        )
        return least + (np.arange(60) < more)

    bench, workers = made_bench(prepared, folder, hits)
    workers.faults = {keep: TrialError("too much", fatal=False) for keep in faults}
    level = bring_to_level(bench, prepared.plan.groups[0], target)
    asked = [next(iter(setting.values()), 0) for _, setting, _ in workers.asked]
    assert sorted(asked) == sorted(2 * list(dict.fromkeys(asked))) or faults
    return level, list(dict.fromkeys(asked))


@pytest.mark.parametrize(
    ("recall", "target", "chosen", "says"),
    [
        (lambda keep: 0.8 if keep <= 40 else 0.9, 0.85, [40, 41],
         "no value of keep lies between 40 (0.8000) and 41 (0.9000): both are shown"),
        (lambda keep: min(keep / 64, 0.5), 0.9, None,
         "out of reach: the best that keep up to 512 gives is Recall@5 0.5000"),
        (lambda keep: 0.5 + keep / 1024, 0.2, [1],
         "out of reach: the lowest that keep from 1 on gives is Recall@5 0.50"),
        (lambda keep: 0.6 if keep <= 2 else 0.1, 0.9, [1],
         "keep is not monotone: Recall@5 falls from 0.6000 at keep=1 to 0.1000 at keep=16"),
        (lambda keep: 1 - keep / 600, 0.9, None,
         "keep is not monotone: Recall@5 falls from 1.0000 at keep=1"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_is_said(
    tmp_path: Path, recall: Callable[[int], float], target: float, chosen: Any, says: str
) -> None:
    """The nearest that was tried is shown, or the two around the target."""
    level, tried = found_by(tmp_path, lambda _, keep: recall(keep), target)
    assert not level.reached
    assert says in level.note
    assert len(tried) <= 12
    nearest = min(level.tried, key=lambda each: abs(each[1] - target))[1]
    if chosen is None:
        (setting,) = level.chosen
        assert dict(level.tried)[setting["keep"]] == nearest
    else:
        assert [setting["keep"] for setting in level.chosen] == chosen


@pytest.mark.parametrize(("recall", "reached"), [(0.905, True), (0.895, True), (0.915, False)])
def test_a_level_is_that_of_the_target_within_half_a_percent(
    tmp_path: Path, recall: float, *, reached: bool
) -> None:
    """Of the mean over builds, which each may lie apart."""
    level, tried = found_by(tmp_path, lambda build, _: recall + (0.005 if build else -0.005), 0.9)
    assert level.reached is reached
    assert level.tried[0][1] == pytest.approx(recall, abs=1e-9)
    assert (len(tried) == 1) is reached
    assert (level.note == "") is reached


def test_where_nothing_can_be_moved_one_setting_is_asked(tmp_path: Path) -> None:
    """And its recall said."""
    level, tried = found_by(tmp_path, lambda *_: 1.0, 0.9, index="flat")
    assert (level.note, level.chosen, level.tried) == (
        "no parameter to tune: Recall@5 is 1.0000", [{}], [],
    )  # fmt: skip
    assert len(tried) == 1


def test_between_two_values_that_are_no_whole_numbers_there_are_others(tmp_path: Path) -> None:
    """The level lies between them, and is not impossible."""

    def recall(_: int, part: float) -> float:
        return 0.8 if part <= 0.3 else 0.9

    level, tried = found_by(tmp_path, recall, 0.85, index="tunable:Parts")
    low, high = (setting["part"] for setting in level.chosen)
    assert low <= 0.3 < high <= 1.01 * low
    assert level.note.startswith(f"the level lies at a part between {low} (0.8000) and {high} (0.9")
    assert len(tried) <= 20


def test_a_fault_ends_a_search_with_what_was_measured(tmp_path: Path) -> None:
    """Which is not called the best that there is."""
    level, tried = found_by(
        tmp_path, lambda _, keep: min(1.0, keep / 200), 0.9, faults=range(60, 600)
    )
    assert level.note.startswith("a trial left no result: too much; the nearest that was measured")
    assert tried[-1] >= 60
    assert level.chosen == [{"keep": tried[-2]}]


def test_after_a_fault_what_lies_between_is_not_known(tmp_path: Path) -> None:
    """The nearest alone is shown, not the two around the target."""

    def recall(_: int, keep: int) -> float:
        return min(1.0, keep / 100)

    _, tried = found_by(tmp_path / "whole", recall, 0.555)
    below = next(number for number, keep in enumerate(tried) if keep > 55)
    fault = tried[max(below, 1) + 1]
    level, _ = found_by(tmp_path / "fault", recall, 0.555, faults=[fault])
    (setting,) = level.chosen
    assert setting["keep"] in tried[: below + 2]
    assert "the nearest that was measured" in level.note


def test_what_is_shown_of_a_run_are_the_chosen_settings(tmp_path: Path) -> None:
    """With a warning in words where the level is not reached."""
    run = level("tunable:Half", tmp_path / "run", at_recall=0.9)
    (found,) = run.manifest.levels
    assert [setting.search for setting in run.settings()] == found.chosen
    says = "the best that keep up to 512 gives is Recall@5 0.5"
    assert any(says in warning.message for warning in run.manifest.warnings)


def test_a_fault_ends_the_search_of_that_index_alone(tmp_path: Path) -> None:
    """The reason is noted, the nearest before it shown; the other index is brought to the level."""
    indexes = ["tunable:FailsAbove", "tunable:Kept"]
    run = level(indexes, tmp_path / "run", at_recall=0.9)
    failing, fine = run.manifest.levels
    assert "more than this index can hold" in failing.note
    assert "the nearest that was measured is Recall@5" in failing.note
    assert not failing.reached
    assert failing.chosen == [{"keep": max(failing.tried, key=lambda each: each[1])[0]}]
    reasons = [failure.reason for failure in run.manifest.failures]
    assert len(reasons) == 2
    assert sum("left no result at this setting" in reason for reason in reasons) == 1
    assert [setting.search for setting in run.settings()] == failing.chosen + fine.chosen


def stamps(run: vbench.Run) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (run.path / "trials").iterdir()}


def test_an_interrupted_search_goes_on_where_it_stopped(copy: vbench.Run) -> None:
    """Settings that left their files are not asked again, and the outcome is the same."""
    before, manifest = stamps(copy), copy.manifest
    level("tunable:Kept", copy.path)
    assert stamps(copy) == before
    last = files.trial_path(copy.path, manifest.trials[-1].key)
    last.unlink()
    unfinished = msgspec.structs.replace(manifest, levels=[], trials=manifest.trials[:2])
    files.write_manifest(copy.path, unfinished)
    again = level("tunable:Kept", copy.path)
    after = stamps(again)
    assert after.pop(last) != before.pop(last)
    assert after == before
    assert again.manifest.levels == manifest.levels


def test_a_plan_is_told_apart_by_its_target(copy: vbench.Run) -> None:
    """A run at one mean recall is not gone on with at another, nor without one."""
    for target in (0.7, None):
        with pytest.raises(VbenchError, match="at_recall"):
            level("tunable:Kept", copy.path, at_recall=target)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"at_recall": 1.5}, "at_recall=1.5"),
        ({"at_recall": 0.0}, "at_recall=0"),
        ({"settings": {"keep": [8]}}, "keep=8 leaves nothing to choose"),
    ],
)
def test_a_wrong_call_writes_nothing(tmp_path: Path, changes: dict, says: str) -> None:
    """What was given and what is allowed are named before anything is made."""
    with pytest.raises(VbenchError, match=says):
        level("tunable:Kept", tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()
