"""Functions of recall of which nothing is known: intervals, comparisons, certificates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.crossed import crossed_mean
from vbench.stats.functional import certify_functional, compare_functionals, crossed_functional
from vbench.stats.intervals import student
from vbench.stats.paired import compare_means


def mean(recall: FloatArray) -> float:
    """The plainest function, for which sharper methods are the oracle."""
    return float(recall.mean())


def median(recall: FloatArray) -> float:
    """Lower median."""
    return float(recall[(len(recall) - 1) // 2])


def recall(builds: int, m: int, seed: int = 0) -> np.ndarray:
    """Queries that differ, builds that hardly do."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(6, 1.5, m)
    return rng.binomial(10, chance, (builds, m)) / 10


@pytest.mark.parametrize(("builds", "widest"), [(1, 1.1), (3, 2.0)])
def test_of_a_mean_it_is_near_the_interval_of_a_mean(builds: int, widest: float) -> None:
    """Value and spread are the same, the interval is as wide or somewhat wider."""
    table = recall(builds, 500)
    plain, sharp = crossed_functional(table, mean), crossed_mean(table)
    assert plain.value == pytest.approx(sharp.value)
    assert plain.spread == pytest.approx(sharp.spread, nan_ok=True)
    assert 0.9 < (plain.high - plain.low) / (sharp.high - sharp.low) < widest


def test_golden_numbers_of_one_table() -> None:
    """The ends hold resamples and builds; each constant moves them."""
    found = crossed_functional(recall(3, 200), mean)
    ends = student(recall(3, 200).mean(axis=1))
    assert found.low < ends.low
    assert found.high > ends.high
    again = crossed_functional(recall(3, 200), mean)
    assert found == again


def test_clusters_are_drawn_whole() -> None:
    """Forty users of ten equal queries tell as much as forty queries."""
    few = recall(1, 40)[0]
    many, user = np.repeat(few, 10), np.repeat(np.arange(40), 10)
    alone, together = (
        crossed_functional(few, mean),
        crossed_functional(many, mean, 0.95, user),
    )
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), abs=0.01)
    blind = crossed_functional(many, mean)
    assert blind.high - blind.low < (together.high - together.low) / 2


def test_equal_queries_leave_what_was_not_met() -> None:
    """No interval without width, where a few more queries could have changed it."""
    found = crossed_functional(np.ones(30), mean)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(30 / 34)
    found = compare_functionals(np.ones(30), np.ones(30), mean)
    assert (found.value, found.p) == (0.0, 1.0)
    assert found.high > 0.0


@pytest.mark.parametrize("builds", [1, 3])
def test_a_comparison_uses_that_queries_are_shared(builds: int) -> None:
    """It agrees with the comparison of means; a shift of every query is sure."""
    a, b = recall(builds, 400), recall(builds, 400, seed=1)
    plain, sharp = compare_functionals(a, b, mean), compare_means(a, b)
    assert plain.value == pytest.approx(sharp.value)
    assert plain.claim == sharp.claim
    assert 0.7 < (plain.high - plain.low) / (sharp.high - sharp.low) < 1.5
    worse = np.maximum(a - 0.2, 0.0)
    found = compare_functionals(a, worse, mean)
    assert found.p < 0.001
    assert found.high < 0.0
    assert found.detectable() > 0.0


def test_a_certificate_moves_the_best_queries_to_recall_0() -> None:
    """As many as Massart's one-sided bound says; the median of that is the bound."""
    recall = np.sort(np.arange(400) % 11) / 10
    worse = math.ceil(400 * math.sqrt(math.log(20) / 800))
    expected = np.concatenate([np.zeros(worse), recall[: 400 - worse]])
    found = certify_functional(recall, median, 0.5, 0.95)
    assert found.bound == median(expected) < median(recall)
    assert (found.slack >= 0.0) == (found.bound >= 0.5)
    assert certify_functional(np.ones(3), mean, 0.5, 0.95).bound == 0.0


def test_a_certificate_holds() -> None:
    """The bound lies over the true value in at most 5 % of samples, here in none."""
    true = median(np.arange(11) / 10)
    rng = np.random.default_rng(3)
    bounds = [
        certify_functional(np.sort(rng.integers(0, 11, 300)) / 10, median, 0.5, 0.95).bound
        for _ in range(200)
    ]
    assert np.mean(np.array(bounds) > true) <= 0.05
    assert np.mean(bounds) > true - 0.2


def test_what_is_no_table_of_recall_is_refused() -> None:
    """Shapes and ranges are named."""
    with pytest.raises(VbenchError, match="from 0 to 1"):
        crossed_functional([5, 10], mean)
    with pytest.raises(VbenchError, match="same queries"):
        compare_functionals([0.1, 0.2], [0.1, 0.2, 0.3], mean)
