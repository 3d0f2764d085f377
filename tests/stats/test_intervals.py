"""Intervals of one share or one curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vbench.errors import VbenchError
from vbench.stats.intervals import (
    dkw_half_width,
    exact_lower,
    more_queries_needed,
    percentile_rank,
    queries_needed,
    tail_size,
    wilson,
)

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(counts, levels)
def test_wilson_is_scipys(count, level):
    """The Wilson interval is the one of scipy.stats.binomtest."""
    successes, n = count
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(counts, levels)
def test_exact_lower_is_scipys(count, level):
    """The one-sided exact bound is scipy's Clopper–Pearson bound of the alternative 'greater'."""
    successes, n = count
    test = stats.binomtest(successes, n, alternative="greater")
    expected = test.proportion_ci(level, method="exact").low
    assert exact_lower(successes, n, level) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("target", "needed"), [(0.99, 299), (0.999, 2995), (0.9, 29)])
def test_queries_needed_without_failure(target, needed):
    """The well-known numbers of queries without a failure that certify a share."""
    assert queries_needed(target) == needed


@given(st.integers(0, 20), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_queries_needed_is_the_smallest(failures, target):
    """As many queries certify the target, and one fewer does not."""
    n = queries_needed(target, failures=failures)
    assert exact_lower(n - failures, n) >= target
    assert exact_lower(n - 1 - failures, n - 1) < target


def test_more_queries_needed_names_the_gap():
    """100 queries without a failure lack 199 to show 99 %."""
    assert more_queries_needed(100, 100, 0.99) == 199


def test_no_more_queries_when_certified():
    """Nothing is missing when the bound reaches the target already."""
    assert more_queries_needed(1000, 1000, 0.99) == 0


def test_no_number_of_queries_when_the_share_is_too_low():
    """A share observed at or under the target is not certified by asking more of the same."""
    assert more_queries_needed(990, 1000, 0.99) is None
    assert more_queries_needed(500, 1000, 0.99) is None


def test_more_queries_at_the_observed_failing_share_do_certify():
    """With as many more queries, failing as often, the bound reaches the target."""
    more = more_queries_needed(995, 1000, 0.99)
    total = 1000 + more
    failures = -(-5 * total // 1000)
    assert exact_lower(total - failures, total) >= 0.99


def test_dkw_holds_the_whole_curve():
    """In 95 % of samples or more, the whole true curve lies inside the band."""
    rng = np.random.default_rng(5)
    shares = np.array([0.02, 0.03, 0.05, 0.1, 0.8])
    true = 1.0 - np.cumsum(shares)
    covered = 0
    for _ in range(500):
        curve = 1.0 - np.cumsum(rng.multinomial(300, shares)) / 300
        covered += bool((np.abs(curve - true) <= dkw_half_width(300, 0.95) + 1e-12).all())
    assert covered >= 475


def test_dkw_half_width():
    """sqrt(ln(2/a) / 2m)."""
    assert dkw_half_width(1000, 0.95) == pytest.approx(np.sqrt(np.log(2 / 0.05) / 2000))


@pytest.mark.parametrize(("alpha", "m", "size"), [(0.05, 100, 5), (0.05, 101, 6), (0.07, 100, 7)])
def test_tail_size_takes_alpha_as_written(alpha, m, size):
    """⌈αm⌉ is computed from the decimal, not from its binary neighbor."""
    assert tail_size(m, alpha) == size


@given(st.integers(1, 400), st.sampled_from([0, 1, 5, 25, 50, 75, 95, 99, 100]))
def test_percentile_rank_is_numpys_lower(m, p):
    """The rank picks the value that numpy's method='lower' picks."""
    values = np.arange(m)
    assert percentile_rank(m, p) == np.percentile(values, p, method="lower")


@pytest.mark.parametrize("p", [29, 57, 58])
def test_percentile_rank_is_exact_where_floats_are_not(p):
    """Of 101 values the p-th; 100 * (p / 100) is less than p in floats."""
    assert percentile_rank(101, p) == p


@pytest.mark.parametrize(
    "call",
    [
        lambda: wilson(1, 0),
        lambda: wilson(3, 2),
        lambda: wilson(-1, 2),
        lambda: wilson(1, 2, 1.0),
        lambda: exact_lower(3, 2),
        lambda: queries_needed(1.0),
        lambda: more_queries_needed(1, 2, 0.0),
        lambda: tail_size(10, 0.0),
        lambda: percentile_rank(10, 101),
    ],
)
def test_impossible_input_is_refused(call):
    """Counts, levels and shares that cannot be are refused in words."""
    with pytest.raises(VbenchError):
        call()
