"""Numbers of an audit, beside the same computed plainly."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.claims import calibrate, fall_short


def test_who_falls_short_and_by_how_much() -> None:
    """Thresholds are counted in hits."""
    recall = np.array([1.0, 0.9, 0.7, 0.0])
    found = fall_short(recall, 10, 0.7, 0.95)
    assert found.share.value == 0.25
    assert found.mean == pytest.approx(0.7 / 4)
    assert fall_short(recall, 10, 0.95, 0.95).share.value == 0.75


def test_bins_and_windows_are_means() -> None:
    """Bins have about equally many queries; the errors are those of bins, queries and windows."""
    rng = np.random.default_rng(5)
    estimates = rng.random(1000)
    recall = (rng.random((1000, 10)) < estimates[:, np.newaxis]).mean(axis=1)
    found = calibrate(recall, estimates, [300, 700], 0.95)
    assert [each.n for each in found.bins] == [100] * 10
    order = np.argsort(estimates)
    first = found.bins[0]
    assert first.claimed == pytest.approx(estimates[order[:100]].mean())
    assert first.true.value == pytest.approx(recall[order[:100]].mean())
    assert found.brier == pytest.approx(np.mean((estimates - recall) ** 2))
    assert found.brier < found.brier_of_mean
    parts = [slice(0, 300), slice(300, 1000)]
    apart = [abs(estimates[part].mean() - recall[part].mean()) for part in parts]
    assert found.window_error == pytest.approx(np.mean(apart))
    assert found.error < 0.05


def test_honest_windows_are_off_by_chance() -> None:
    """About as far as is told, where the claim is the mean."""
    rng = np.random.default_rng(6)
    recall = rng.binomial(10, 0.9, 40_000) / 10
    found = calibrate(recall, np.full(40_000, 0.9), [100] * 400, 0.95)
    assert found.window_error == pytest.approx(found.window_chance, rel=0.1)
    assert len(found.bins) == 1
