"""Choosing δ: the recall under which a query keeps too little."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.losses import choose_delta

EXACT = np.random.default_rng(0).uniform(0.2, 1.0, 3000)


def test_delta_is_where_quality_falls_under_90_percent() -> None:
    """Quality kept rises linearly to 1 at recall 0.8, so 90 % is kept at 0.72."""
    recall = np.random.default_rng(1).integers(0, 11, (2, 3000)) / 10
    kept = EXACT * np.minimum(recall / 0.8, 1.0)
    choice = choose_delta(EXACT, kept, recall)
    assert choice.delta.value == pytest.approx(0.72, abs=1e-6)
    assert choice.delta.low - 1e-9 <= choice.delta.value <= choice.delta.high + 1e-9
    assert [level.recall for level in choice.levels] == pytest.approx(np.arange(11) / 10)
    assert choice.levels[4].relative.value == pytest.approx(0.5)
    assert sum(level.cells for level in choice.levels) == 6000


def test_noise_widens_the_interval_and_it_covers() -> None:
    """The true δ lies inside the interval although levels are noisy."""
    rng = np.random.default_rng(2)
    recall = rng.integers(0, 101, (3, 3000)) / 100
    kept = EXACT * np.minimum(recall / 0.8, 1.0) * rng.uniform(0.0, 2.0, recall.shape)
    choice = choose_delta(EXACT, kept, recall)
    assert choice.delta.low < 0.72 + 0.05
    assert choice.delta.high > 0.72 - 0.05
    assert choice.delta.high - choice.delta.low > 0.005


def test_what_cannot_be_told_is_said() -> None:
    """One level only; no query lost enough; even full recall keeps too little."""
    ones = np.ones((1, 3000))
    assert choose_delta(EXACT, ones * EXACT, ones).delta.value is None
    assert "there is nothing to keep" in choose_delta(0 * EXACT, ones, ones).note
    high = np.where(np.arange(3000) % 2, 1.0, 0.9)[np.newaxis]
    choice = choose_delta(EXACT, ones * EXACT, high)
    assert choice.delta.value == pytest.approx(0.9)
    assert "at most 0.90" in choice.note
    choice = choose_delta(EXACT, ones * EXACT / 2, high)
    assert choice.delta.value == 1.0
    assert "even queries with full recall" in choice.note
