"""Tests of paired values that need no variance."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vbench.errors import VbenchError
from vbench.stats.exact import holm, holm_levels, mcnemar, sign_flip


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_of_the_disagreeing(first, second):
    """Exact McNemar is scipy's two-sided binomial test at one half."""
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow  # to import it takes seconds
@pytest.mark.parametrize("table", [(3, 17), (0, 6), (25, 25), (1, 0)])
def test_mcnemar_is_that_of_statsmodels(table):
    """Exact McNemar agrees with statsmodels."""
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    first, second = table
    expected = tables.mcnemar([[90, first], [second, 10]], exact=True).pvalue
    assert mcnemar(first, second) == pytest.approx(expected)


@pytest.fixture(scope="module")
def multitest():
    """The module of statsmodels for many tests; slow to import."""
    return pytest.importorskip("statsmodels.stats.multitest")


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(multitest, p_values):
    """Holm's adjustment agrees with statsmodels."""
    expected = multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected, atol=1e-12)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_steps_down(p_values):
    """Each p is multiplied by how many are not smaller, and never falls along the order."""
    adjusted = holm(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        assert adjusted[index] == pytest.approx(largest)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_levels_that_holm_leaves_are_those_at_which_it_decides(p_values):
    """A p just under its level is called different, and one just over it is not."""
    for i, level in enumerate(holm_levels(p_values)):
        assert 0.05 / len(p_values) <= level <= 0.05
        for p, different in ((level * (1 - 1e-9), True), (level * (1 + 1e-9), False)):
            adjusted = holm([*p_values[:i], p, *p_values[i + 1 :]])
            assert bool(adjusted[i] < 0.05) is different


def every_flip(differences):
    """Two-sided p over all assignments of signs."""
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    return sum(value >= observed - 1e-9 for value in sums) / len(sums)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-10, 10), min_size=1, max_size=9))
def test_sign_flips_are_those_of_every_assignment(differences):
    """Tossed signs come near the p of all assignments, within what 10,000 tosses allow."""
    p = every_flip(differences)
    assert sign_flip(differences) == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 1e4) + 2e-4)


def test_sign_flips_of_many_sizes():
    """Differences without common sizes, such as times, are flipped one by one."""
    differences = np.random.default_rng(1).normal(0.1, 1.0, size=600)
    t = stats.ttest_1samp(differences, 0.0).pvalue
    assert sign_flip(differences) == pytest.approx(t, abs=0.02)


@given(st.integers(0, 60), st.integers(0, 60))
def test_sign_flips_of_passes_are_mcnemar(first, second):
    """Where queries pass or fail, sign flips are McNemar's test, exactly."""
    differences = np.r_[np.ones(second), -np.ones(first), np.zeros(5)]
    assert sign_flip(differences) == mcnemar(second, first)


def test_rounding_makes_no_new_sizes():
    """0.9 − 0.8 and 0.8 − 0.7 are one size of difference."""
    differences = np.array([0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.6, 0.3 - 0.2, 0.4 - 0.3, 0.2 - 0.1])
    assert sign_flip(differences) == mcnemar(6, 0)


def test_same_seed_same_p():
    """Signs are tossed alike under the same seed."""
    differences = np.random.default_rng(2).integers(-3, 4, size=50)
    assert sign_flip(differences, seed=3) == sign_flip(differences, seed=3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mcnemar(-1, 2),
        lambda: sign_flip([]),
        lambda: sign_flip([math.nan]),
        lambda: holm([1.2]),
        lambda: holm([math.nan]),
    ],
)
def test_impossible_input_is_refused(call):
    """Counts, differences and p values that cannot be are refused in words."""
    with pytest.raises(VbenchError):
        call()
