"""CVaR and percentiles over several builds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vbench.errors import VbenchError
from vbench.stats.crossed import crossed_mean
from vbench.stats.tail import crossed_cvar, crossed_percentile

recalls = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 40)),
    elements=st.integers(0, 10).map(lambda hits: hits / 10),
)


@settings(deadline=None)
@given(recalls, st.sampled_from([0.01, 0.05, 0.5, 1.0]))
def test_cvar_is_the_mean_of_the_worst(x, alpha):
    """The value is the mean over builds of the mean of each build's worst ⌈αm⌉ queries."""
    size = math.ceil(alpha * x.shape[1] - 1e-9)
    expected = np.mean([sum(sorted(row)[:size]) / size for row in x.tolist()])
    found = crossed_cvar(x, alpha)
    assert found.value == pytest.approx(expected)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@settings(deadline=None)
@given(recalls)
def test_cvar_of_everything_is_the_mean(x):
    """The worst 100 % are all queries."""
    assert crossed_cvar(x, 1.0).value == pytest.approx(crossed_mean(x).value)


def test_cvar_interval_of_everything_is_that_of_the_mean():
    """With α = 1 the interval is the mean's, up to its lean."""
    x = np.random.default_rng(1).binomial(10, 0.8, size=(3, 500)) / 10
    x[:, 0] = 1.0
    found, mean = crossed_cvar(x, 1.0), crossed_mean(x)
    assert (found.low, found.high) == pytest.approx((mean.low, mean.high), abs=1e-3)


def test_cvar_without_a_miss_is_not_certain():
    """Two hundred perfect queries bound the worst 5 % from below, but not at 1."""
    found = crossed_cvar(np.ones((3, 200)), 0.05)
    assert 0.5 < found.low < 0.8
    assert found.high == 1.0


def test_cvar_of_a_tail_just_all_failures_is_not_certain():
    """5 % of the queries fail in the sample; in truth it may be 4 %, and the next do well."""
    x = np.ones(1000)
    x[:50] = 0.0
    found = crossed_cvar(x, 0.05)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high > 0.15


def test_cvar_of_a_tail_deep_in_failures_is_certain():
    """Where 20 % fail, the worst 5 % have no hit beyond doubt."""
    x = np.ones((3, 1000))
    x[:, :200] = 0.0
    assert crossed_cvar(x, 0.05)[:3] == (0.0, 0.0, 0.0)


@settings(deadline=None)
@given(recalls, st.sampled_from([0, 1, 5, 50, 95, 100]))
def test_percentile_is_the_lower_one(x, p):
    """The value is the mean over builds of numpy's percentile with method='lower'."""
    found = crossed_percentile(x, p)
    expected = np.percentile(x, p, axis=1, method="lower").mean()
    assert found.value == pytest.approx(expected)
    assert 0.0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1.0


def test_percentile_over_builds_has_the_interval_of_their_mean():
    """Builds whose percentiles are 0.4 and 0.6: the mean lies at 0.5, and its ends around it."""
    x = np.ones((4, 2000))
    x[:2, :200], x[2:, :200] = 0.4, 0.6
    found = crossed_percentile(x, 5)
    assert found.value == pytest.approx(0.5)
    assert 0.4 <= found.low < 0.5 < found.high <= 0.6


def test_percentile_without_enough_queries_has_no_end():
    """Two hundred latencies do not bound their 99.9th percentile from above."""
    found = crossed_percentile(np.arange(200.0), 99.9, bounds=(0.0, math.inf))
    assert found.high == math.inf
    assert 100.0 < found.low <= 198.0


def test_median_of_times():
    """The interval of the median agrees with the binomial order statistics."""
    x = np.random.default_rng(2).permutation(1000).astype(float)
    found = crossed_percentile(x, 50, bounds=(0.0, math.inf))
    assert (found.low, found.high) == pytest.approx((499 - 31, 499 + 31), abs=3)


def test_clusters_widen_the_tail():
    """Queries that repeat one another leave more unknown about the tail."""
    x = (np.random.default_rng(3).binomial(10, 0.8, size=(2, 300)) / 10).repeat(5, axis=1)
    user = np.arange(1500) // 5
    for estimate in (crossed_cvar, crossed_percentile):
        parameter = 0.05 if estimate is crossed_cvar else 5
        alone, together = estimate(x, parameter), estimate(x, parameter, cluster=user)
        assert together.high - together.low >= alone.high - alone.low


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.5])
def test_impossible_shares_are_refused(alpha):
    """A tail must be a share of the queries."""
    with pytest.raises(VbenchError):
        crossed_cvar(np.ones(10), alpha)


def test_impossible_percentiles_are_refused():
    """A percentile lies between 0 and 100."""
    with pytest.raises(VbenchError):
        crossed_percentile(np.ones(10), 101)
