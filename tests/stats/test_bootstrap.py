"""Bootstrap of the histogram of hits, against plain resampling of queries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.stats.bootstrap import Resamples, resample
from vbench.stats.intervals import percentile_rank, tail_size


def expand(resamples, r):
    """Per-query hits of one resample."""
    return np.repeat(resamples.hits, resamples.counts[:, r].astype(int))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=60),
    st.sampled_from([0.01, 0.05, 0.3, 1.0]),
    st.sampled_from([0, 5, 50, 99, 100]),
    st.booleans(),
)
def test_measures_follow_their_definition_on_every_resample(hits, alpha, p, clustered):
    """Mean, CVaR and percentile of histograms are those of the queries in them."""
    cluster = np.arange(len(hits)) // 3 if clustered else None
    drawn = resample(np.array(hits), 10, cluster=cluster, resamples=7, seed=1)
    for r in range(7):
        one = Resamples(10, drawn.hits, drawn.counts[:, r : r + 1])
        queries = np.sort(expand(drawn, r))
        m = len(queries)
        assert one.mean().low == pytest.approx(queries.mean() / 10)
        assert one.cvar(alpha).low == pytest.approx(queries[: tail_size(m, alpha)].mean() / 10)
        assert one.percentile(p).low == pytest.approx(queries[percentile_rank(m, p)] / 10)


def test_agrees_with_resampling_queries_one_by_one():
    """The interval of mean and CVaR is that of a plain bootstrap of the queries."""
    rng = np.random.default_rng(3)
    hits = rng.binomial(10, rng.beta(6, 1, size=400))
    drawn = resample(hits, 10)
    plain = np.sort(hits[rng.integers(0, 400, size=(4000, 400))], axis=1) / 10
    for interval, values in (
        (drawn.mean(), plain.mean(axis=1)),
        (drawn.cvar(0.05), plain[:, :20].mean(axis=1)),
    ):
        expected = np.quantile(values, [0.025, 0.975])
        np.testing.assert_allclose(interval, expected, atol=0.1 * np.ptp(expected))


def test_clusters_widen_the_interval():
    """Queries that repeat one another, four to a user, double the width of the interval."""
    hits = np.random.default_rng(4).binomial(10, 0.7, size=500).repeat(4)
    alone = resample(hits, 10).mean()
    together = resample(hits, 10, cluster=np.arange(2000) // 4).mean()
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(2.0, rel=0.1)


def test_same_seed_same_interval():
    """Resamples are the same under the same seed, and others under another."""
    hits = np.random.default_rng(5).binomial(10, 0.8, size=100)
    assert resample(hits, 10, seed=1).cvar(0.1) == resample(hits, 10, seed=1).cvar(0.1)
    assert not np.array_equal(resample(hits, 10, seed=1).counts, resample(hits, 10, seed=2).counts)


def test_many_bins_take_fewer_resamples():
    """Ten thousand resamples at K=10; never fewer than two thousand at K=100."""
    rng = np.random.default_rng(6)
    assert resample(rng.binomial(10, 0.7, 1000), 10).counts.shape[1] == 10_000
    assert resample(rng.integers(0, 101, 5000), 100).counts.shape == (101, 2_000)


@pytest.mark.parametrize(
    "hits",
    [np.array([], dtype=int), np.array([0.5]), np.array([[1, 2]]), np.array([11]), np.array([-1])],
)
def test_what_is_not_hits_is_refused(hits):
    """Empty, fractional, two-dimensional or out-of-range hits are refused in words."""
    with pytest.raises(VbenchError):
        resample(hits, 10)
