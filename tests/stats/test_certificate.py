"""Certificates: exact bounds, slack in terms of misses, and how many more queries they take."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vbench.stats.betting import mean_lower
from vbench.stats.certificate import (
    beyond,
    certify_bound,
    certify_calls,
    certify_cvar,
    certify_mean,
    certify_quantile,
    certify_share,
    cvar_pivot,
    largest_mean,
    largest_share,
)
from vbench.stats.intervals import MANY_QUERIES, exact_lower


def test_a_share_counts_what_fails() -> None:
    """The bound is Clopper and Pearson's, the slack a ratio of misses."""
    found = certify_share(990, 1000, 0.98, 0.95)
    low = exact_lower(990, 1000, 0.95)
    assert (found.bound, found.failing, found.more) == (low, 10, 0)
    assert found.slack == pytest.approx(math.log(0.02 / (1 - low)))
    assert found.plain_slack == pytest.approx(math.log(2))
    assert certify_share(10, 10, 1.0, 0.95).more is None


def test_a_slack_has_an_end() -> None:
    """No misses at all count as one in a million."""
    assert beyond(1.0, 0.9) == pytest.approx(math.log(0.1 / 1e-6))
    assert beyond(0.9, 0.9) == 0.0
    assert beyond(0.8, 0.9) < 0.0 < beyond(0.95, 0.9)


def test_a_quantile_is_the_value_that_all_but_few_reach() -> None:
    """The order statistic of as many as may fail; without any, −∞."""
    values = np.arange(1000.0)
    few = next(n for n in range(1000) if exact_lower(1000 - n - 1, 1000, 0.95) < 0.9)
    assert certify_quantile(values, 0.9, 50.0, 0.95).bound == values[few]
    assert certify_quantile(values[:20], 0.9, 0.0, 0.95).bound == -math.inf


def test_calls_are_late_by_the_worse_of_two_counts() -> None:
    """Those drawn in turn, and all of them over the passes, rounded up."""
    seconds = np.full((100, 2), 1.0)
    seconds[np.arange(4), np.arange(4) % 2] = 3.0
    assert certify_calls(seconds, 0.9, 2.0, 0.95).failing == 4
    seconds = np.full((100, 2), 1.0)
    seconds[np.arange(5), (np.arange(5) + 1) % 2] = 3.0
    assert certify_calls(seconds, 0.9, 2.0, 0.95).failing == 3
    assert certify_calls(seconds[:5], 0.9, 2.0, 0.95).bound == math.inf


def test_cvar_is_bounded_by_its_dual() -> None:
    """At the pivot that other queries choose; at 0 there is nothing to bound."""
    recall = np.repeat([0.2, 1.0], [30, 270])
    steps = np.arange(11) / 10
    pivot = cvar_pivot(recall, 0.1, steps)
    assert pivot in (0.2, 0.3, 1.0) or 0.2 <= pivot <= 1.0
    found = certify_cvar(recall, 0.1, pivot, 0.2, 0.1, 0.95)
    missing = np.maximum(pivot - recall, 0) / pivot
    expected = pivot - pivot * (1 - mean_lower(1 - missing, 0.95)) / 0.1
    assert found.bound == pytest.approx(max(expected, 0.0))
    assert certify_cvar(recall, 0.1, 0.0, 0.0, 0.1, 0.95)[:4] == (
        0.0,
        pytest.approx(math.log(0.9)),
        pytest.approx(math.log(0.9)),
        None,
    )


def test_what_perfect_queries_certify() -> None:
    """No share and no mean above these."""
    assert largest_share(299, 0.95) >= 0.99 > largest_share(298, 0.95)
    assert largest_mean(50, 0.95) == certify_mean(np.ones(50), 0.9, 0.95).bound


def test_more_queries_shrink_a_bound_as_their_root() -> None:
    """Half as far from the value takes four times as many, three more for each."""
    assert certify_bound(0.80, 0.90, 0.85, 100).more == 300
    assert certify_bound(0.86, 0.90, 0.85, 100).more == 0
    assert certify_bound(0.80, 0.84, 0.85, 100).more is None
    assert certify_bound(0.0, 0.85 + 1e-9, 0.85, MANY_QUERIES // 2).more is None
