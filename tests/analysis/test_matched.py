"""Matched recall: the level at which indexes are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.gather import match_level, nearest_of
from vbench.runs.run import Run
from vbench.runs.settings import Setting


def hits(recall: float) -> np.ndarray:
    """100 queries of 10 hits or none."""
    return np.repeat([10, 0], [round(100 * recall), round(100 - 100 * recall)])[np.newaxis]


def by_index(run: Run) -> dict[str, list[Setting]]:
    found: dict[str, list[Setting]] = {}
    for setting in run.settings():
        found.setdefault(setting.title, []).append(setting)
    return found


def test_one_index_is_shown_at_the_usual_recall(tmp_path: Path) -> None:
    """It has none to be compared with."""
    run = answered(tmp_path / "run", {"a": {1: hits(0.5), 2: hits(0.92)}})
    assert match_level(by_index(run), None) == 0.9


def test_the_level_is_that_at_which_most_indexes_have_a_setting(tmp_path: Path) -> None:
    """Two of three are at 0.97; each is then shown at its nearest setting."""
    run = answered(
        tmp_path / "run",
        {
            "a": {1: hits(0.9), 2: hits(0.97)},
            "b": {1: hits(0.8), 2: hits(0.97)},
            "c": {1: hits(0.6)},
        },
    )
    level = match_level(by_index(run), None)
    assert level == pytest.approx(0.97)
    recalls = [nearest_of(own, level).recall for own in by_index(run).values()]
    assert recalls == pytest.approx([0.97, 0.97, 0.6])


def test_unmatched_indexes_are_compared_in_the_middle_of_their_nearest_settings(
    tmp_path: Path,
) -> None:
    """Not at another level that happens to have these settings as its nearest."""
    indexes = {"a": {1: hits(0.88), 2: hits(0.99)}, "b": {1: hits(0.54), 2: hits(0.92)}}
    run = answered(tmp_path / "run", indexes)
    assert match_level(by_index(run), None) == pytest.approx(0.9)


def test_a_run_that_was_brought_to_a_recall_is_compared_there(tmp_path: Path) -> None:
    """Whatever its indexes reached."""
    run = answered(tmp_path / "run", {"a": {1: hits(0.9)}, "b": {1: hits(0.9)}})
    assert match_level(by_index(run), 0.8) == 0.8
