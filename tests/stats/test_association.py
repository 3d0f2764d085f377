"""How a column goes with recall, against scipy and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from vbench.errors import VbenchError
from vbench.stats.association import ranks, spearman, tail_auc
from vbench.stats.intervals import wilson

few_values = hnp.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 6).map(float))


@given(few_values)
def test_ranks_are_scipys(values):
    """Ties share their mean rank."""
    np.testing.assert_array_equal(ranks(values), stats.rankdata(values))


@settings(deadline=None)
@given(few_values, st.integers(0, 2**32))
def test_spearman_is_scipys(values, seed):
    """ρ of several columns at once is scipy's of each."""
    other = np.random.default_rng(seed).integers(0, 5, size=(len(values), 3)).astype(float)
    found = spearman(other, values)
    for column in range(3):
        if np.ptp(values) == 0 or np.ptp(other[:, column]) == 0:
            assert math.isnan(found.value[column])
        else:
            expected = stats.spearmanr(other[:, column], values).statistic
            assert found.value[column] == pytest.approx(expected, abs=1e-12)
            assert found.low[column] <= expected + 1e-12
            assert expected - 1e-12 <= found.high[column]


def test_spearman_interval_is_bonett_and_wrights():
    """Fisher's z with the variance (1 + ρ²/2) / (m − 3)."""
    order = np.arange(100.0)
    found = spearman(order, order * 7 % 23 + order / 5)
    rho = stats.spearmanr(order, order * 7 % 23 + order / 5).statistic
    half = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / 97)
    assert found.low[0] == pytest.approx(math.tanh(math.atanh(rho) - half))
    assert found.high[0] == pytest.approx(math.tanh(math.atanh(rho) + half))


def test_spearman_interval_covers():
    """The interval holds the true ρ of a bivariate normal in about 95 % of samples."""
    rng = np.random.default_rng(1)
    true = 6 / math.pi * math.asin(0.6 / 2)
    covered = 0
    for _ in range(500):
        x, noise = rng.standard_normal((2, 200))
        found = spearman(x, 0.6 * x + 0.8 * noise)
        covered += int(found.low[0] <= true <= found.high[0])
    assert 460 <= covered <= 492


@settings(deadline=None)
@given(few_values, st.data())
def test_auc_is_counted_pairs(values, data):
    """The AUC is the share of pairs in which the tail's value is larger, ties half."""
    m = len(values)
    tail = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    found = tail_auc(values, tail)
    if tail.all() or not tail.any():
        assert math.isnan(found.value[0])
        return
    pairs = [(a > b) + 0.5 * (a == b) for a in values[tail] for b in values[~tail]]
    assert found.value[0] == pytest.approx(np.mean(pairs), abs=1e-12)
    assert 0.0 <= found.low[0] <= found.value[0] + 1e-12
    assert found.value[0] - 1e-12 <= found.high[0] <= 1.0


def test_auc_is_mann_whitney():
    """AUC·n1·n2 is scipy's U, and the interval leaves out one half where U does."""
    rng = np.random.default_rng(2)
    values = np.stack([rng.standard_normal(2000), rng.standard_normal(2000)], axis=1)
    tail = rng.random(2000) < 1 / (1 + np.exp(3 - values[:, 0]))
    found = tail_auc(values, tail)
    for column, informative in ((0, True), (1, False)):
        test = stats.mannwhitneyu(values[tail, column], values[~tail, column])
        expected = test.statistic / tail.sum() / (~tail).sum()
        assert found.value[column] == pytest.approx(expected)
        assert (found.low[column] > 0.5) == informative == (test.pvalue < 0.05)


def test_auc_interval_covers():
    """The interval holds the true AUC in about 95 % of samples, with a small tail too."""
    rng = np.random.default_rng(3)
    true = stats.norm.cdf(1.0 / math.sqrt(2.0))
    covered = 0
    for _ in range(500):
        values = np.concatenate([rng.standard_normal(20) + 1.0, rng.standard_normal(300)])
        found = tail_auc(values, np.arange(320) < 20)
        covered += int(found.low[0] <= true <= found.high[0])
    assert 460 <= covered <= 494


def test_perfect_separation_is_not_certain():
    """Ten of the tail above all others still leave the AUC open."""
    values = np.arange(100.0)
    found = tail_auc(values, values >= 90)
    assert found.value[0] == found.high[0] == 1.0
    assert found.low[0] == wilson(10, 10).low


def test_unknown_values_are_left_out():
    """Queries whose hardness is not defined do not count for that column."""
    values = np.array([[1.0, 1.0], [2.0, math.nan], [3.0, 3.0], [4.0, 2.0]])
    recall = np.array([4.0, 3.0, 2.0, 1.0])
    found = spearman(values, recall)
    np.testing.assert_allclose(found.value, [-1.0, stats.spearmanr([1, 3, 2], [4, 2, 1])[0]])
    auc = tail_auc(values, recall <= 2)
    np.testing.assert_allclose(auc.value, [1.0, 1.0])


def test_infinite_hardness_is_the_largest():
    """An infinite dimension ranks above all others."""
    found = spearman([1.0, math.inf, 2.0], [0.9, 0.1, 0.5])
    assert found.value[0] == -1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: spearman([1.0, 2.0], [1.0]),
        lambda: tail_auc(np.zeros((2, 2, 2)), [True, False]),
        lambda: spearman([1.0], [1.0], level=1.5),
    ],
)
def test_what_does_not_fit_is_refused(call):
    """Columns of another length, and levels that are none, are refused in words."""
    with pytest.raises(VbenchError):
        call()


def test_few_queries_show_no_perfect_correlation_for_certain():
    """Where all ranks agree, the interval still has a width that shrinks with more queries."""
    lows = [float(spearman(np.arange(m), np.arange(m)).low[0]) for m in (2, 4, 10, 100)]
    assert lows[0] == -1.0
    assert lows == sorted(lows)
    assert 0.99 < lows[-1] < 1.0
    (high,) = spearman(np.arange(4), -np.arange(4)).high
    assert high == pytest.approx(-lows[1])
