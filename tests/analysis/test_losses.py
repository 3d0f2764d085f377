"""Losses: their means, intervals, buckets and tails."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.losses import (
    NOTHING,
    RESAMPLES,
    Cells,
    divide_by_recall,
    estimate_group,
    estimate_loss,
    estimate_mean,
    resamples,
    weigh_worst,
)
from vbench.stats.crossed import crossed_mean


def test_a_loss_is_paired_by_query() -> None:
    """What all queries share cancels: the interval is far narrower than that of either side."""
    rng = np.random.default_rng(0)
    exact = rng.random(400)
    trials = np.clip(exact - 0.01 - 0.005 * rng.random((3, 400)), 0, 1)
    found = estimate_loss(exact, trials)
    assert found.value == pytest.approx((exact - trials).mean())
    assert found.low is not None
    assert 0 < found.low < found.value < found.high
    assert found.high - found.low < (estimate_mean(trials).high - estimate_mean(trials).low) / 10


def test_queries_without_a_value_are_left_out() -> None:
    """A query with NaN in one build or in the control counts nowhere; with none left, nothing."""
    exact, trials = np.array([0.5, 0.5, np.nan]), np.array([[0.5, np.nan, 0.1], [0.1, 0.2, 0.2]])
    assert estimate_loss(exact, trials).value == pytest.approx(0.2)
    assert estimate_loss(np.array([np.nan]), np.array([[1.0]])) == NOTHING
    assert estimate_mean(np.array([np.nan])) == NOTHING


def test_a_group_that_is_everything_is_the_crossed_mean() -> None:
    """With weight 1 everywhere, value and interval are those of the mean without bounds."""
    values = np.random.default_rng(0).random((3, 50))
    found, plain = (
        estimate_group(values, Cells.of(np.ones((3, 50)))),
        crossed_mean(values, bounds=None),
    )
    assert found.value == pytest.approx(plain.value)
    assert found.low == pytest.approx(plain.low)


def test_the_interval_of_a_group_covers() -> None:
    """Of 300 draws with a group that depends on the build, about 95 % cover the true mean."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        queries = rng.normal(size=200)
        values = 0.5 + 0.1 * queries + 0.05 * rng.normal(size=(3, 200))
        inside = rng.random((3, 200)) < 0.3
        found = estimate_group(values, Cells.of(inside.astype(float)))
        covered += found.low <= 0.5 <= found.high
    assert 0.9 <= covered / 300 <= 0.99


def test_buckets_divide_the_cells() -> None:
    """Each cell is in one bucket; edges are exact decimals, full recall has its own."""
    recall = np.array([[0.0, 0.49, 0.5, 0.69, 0.7, 0.9, 0.99, 1.0]])
    masks = divide_by_recall(recall, 100)
    assert sum(mask.astype(int) for _, mask in masks).tolist() == [[1] * 8]
    assert [name for name, _ in masks] == ["0 – 0.5", "0.5 – 0.7", "0.7 – 0.9", "0.9 – 1", "1"]
    assert [mask.sum() for _, mask in masks] == [2, 2, 1, 2, 1]


def test_the_worst_share_ties_evenly() -> None:
    """The weights of each build add up to ⌈αm⌉, and do not depend on the order of queries."""
    recall = np.array([[0.1, 0.2, 0.2, 0.2, *[1.0] * 36]])
    weights = weigh_worst(recall)
    assert weights.sum() == pytest.approx(2)
    assert weights[0, :5].tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    shuffled = np.random.default_rng(0).permutation(40)
    np.testing.assert_allclose(weigh_worst(recall[:, shuffled]), weights[:, shuffled])


def test_resamples_are_the_same_each_time_and_draw_all_queries() -> None:
    """Each resample has as many queries as there are, each query once on average; multinomially."""
    drawn = np.concatenate(list(resamples(30)))
    assert drawn.shape == (RESAMPLES, 30)
    assert (drawn.sum(axis=1) == 30).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=4 / RESAMPLES**0.5)
    assert drawn.var() == pytest.approx(1 - 1 / 30, rel=0.05)
    np.testing.assert_array_equal(drawn, np.concatenate(list(resamples(30))))
