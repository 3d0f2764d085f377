"""Builds and queries as crossed random effects: the estimate itself."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vbench.errors import VbenchError
from vbench.stats.crossed import crossed_band, crossed_mean, layout
from vbench.stats.intervals import dkw_half_width, wilson

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 30)),
    elements=st.integers(0, 10).map(lambda hits: hits / 10),
)


def mean_squares(x):
    """The two-way analysis of variance in plain loops."""
    builds, m = len(x), len(x[0])
    mean = sum(map(sum, x)) / (builds * m)
    rows = [sum(row) / m for row in x]
    columns = [sum(x[b][i] for b in range(builds)) / builds for i in range(m)]
    of_builds = m * sum((r - mean) ** 2 for r in rows) / (builds - 1)
    of_queries = builds * sum((c - mean) ** 2 for c in columns) / (m - 1)
    rest = sum(
        (x[b][i] - rows[b] - columns[i] + mean) ** 2 for b in range(builds) for i in range(m)
    )
    return of_builds, of_queries, rest / ((builds - 1) * (m - 1))


def test_mean_squares_are_those_of_the_analysis_of_variance():
    """The layout holds the mean squares that plain loops give."""
    x = np.random.default_rng(1).random((4, 50))
    plan = layout(x)
    assert (plan.ms_builds, plan.ms_queries, plan.ms_both) == pytest.approx(
        mean_squares(x.tolist())
    )


@settings(deadline=None)
@given(matrices, st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_holds_the_value_and_stays_in_range(x, level):
    """Low ≤ value ≤ high, all in [0, 1], and the value is the mean."""
    found = crossed_mean(x, level)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.value == pytest.approx(x.mean())


@settings(deadline=None)
@given(matrices)
def test_never_of_no_width(x):
    """However even the values, so many queries leave something unknown."""
    found = crossed_mean(x)
    assert found.high > found.low


@settings(deadline=None)
@given(matrices, st.randoms(use_true_random=False))
def test_order_of_builds_and_queries_does_not_matter(x, random):
    """Permuted builds and queries give the same estimate."""
    rows, columns = list(range(x.shape[0])), list(range(x.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    again = crossed_mean(x[rows][:, columns])
    assert again == pytest.approx(crossed_mean(x), nan_ok=True, abs=1e-7)


@settings(deadline=None)
@given(matrices)
def test_complement_mirrors_the_interval(x):
    """The interval of 1 − x is the mirror image of that of x."""
    found, mirrored = crossed_mean(x), crossed_mean(1.0 - x)
    assert mirrored[:3] == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low), abs=1e-7)


@pytest.mark.parametrize("passing", [0, 3, 500, 997, 1000])
def test_one_build_of_shares_is_wilson(passing):
    """With one build and passes and failures the interval is Wilson's, up to t instead of z."""
    found = crossed_mean(np.arange(1000) < passing)
    assert (found.low, found.high) == pytest.approx(wilson(passing, 1000), abs=1e-4)
    assert math.isnan(found.spread)


def test_copies_of_one_build_add_nothing():
    """Builds that answer alike give the interval of one of them."""
    x = np.random.default_rng(2).random(300)
    one, three = crossed_mean(x), crossed_mean(np.stack([x, x, x]))
    assert (three.low, three.high) == pytest.approx((one.low, one.high))
    assert three.spread == pytest.approx(0.0, abs=1e-12)


def test_drift_between_builds_widens_the_interval():
    """Three builds that differ leave far more unknown than their many queries would."""
    rng = np.random.default_rng(3)
    x = np.clip(0.85 + 0.05 * rng.standard_normal((3, 5000)) + [[0.02], [0.0], [-0.02]], 0, 1)
    found = crossed_mean(x)
    assert found.spread == pytest.approx(0.02, rel=0.1)
    assert found.high - found.low > 0.06
    assert found.df == pytest.approx(2.0, abs=0.1)


def test_components_are_recovered():
    """The variances of builds and queries that made the values come out of them."""
    rng = np.random.default_rng(4)
    x = (
        0.3 * rng.standard_normal((200, 1))
        + 0.5 * rng.standard_normal((1, 400))
        + 0.2 * rng.standard_normal((200, 400))
    )
    found = crossed_mean(x, bounds=None)
    assert found.var_builds == pytest.approx(0.09, rel=0.2)
    assert found.var_queries == pytest.approx(0.25, rel=0.2)


def test_each_query_its_own_cluster_is_no_cluster():
    """Clusters of one query change nothing."""
    x = np.random.default_rng(5).random((3, 200))
    assert crossed_mean(x, cluster=np.arange(200)) == pytest.approx(crossed_mean(x))


def test_repeated_queries_count_once():
    """Each query asked four times by its user is worth one query."""
    x = np.random.default_rng(6).random((2, 250))
    repeated = crossed_mean(x.repeat(4, axis=1), cluster=np.arange(1000) // 4)
    assert (repeated.low, repeated.high) == pytest.approx(crossed_mean(x)[1:3], abs=1e-9)


def test_one_user_says_nothing():
    """Queries of a single user leave everything open, in several builds too."""
    x = np.random.default_rng(7).random((3, 100))
    found = crossed_mean(x, cluster=np.zeros(100))
    assert found.high - found.low > 0.9
    unbounded = crossed_mean(x, cluster=np.zeros(100), bounds=None)
    assert (unbounded.low, unbounded.high) == (-math.inf, math.inf)


def test_users_without_a_name_are_refused():
    """A cluster column with missing names is refused in words."""
    with pytest.raises(VbenchError, match="NoneType and str"):
        crossed_mean([0.1, 0.2], cluster=np.array(["a", None], dtype=object))


def test_values_without_bounds_have_a_symmetric_interval():
    """Times have a plain t interval around their mean."""
    found = crossed_mean([1.0, 2.0, 3.0, 10.0], bounds=None)
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert crossed_mean([1.0], bounds=None)[1:3] == (-math.inf, math.inf)


def test_band_of_one_build_is_dkw():
    """One build leaves only the queries to chance."""
    curve, half = np.array([1.0, 0.9, 0.4]), dkw_half_width(500, 0.95)
    low, high = crossed_band(curve, 500)
    np.testing.assert_allclose(low, curve - half)
    np.testing.assert_allclose(high, np.minimum(curve + half, 1.0))


def test_band_of_several_builds_is_wider():
    """Builds that differ widen the band around their mean curve."""
    band = crossed_band([[1.0, 0.9], [1.0, 0.8], [1.0, 0.7]], 500)
    alone = crossed_band([1.0, 0.8], 500)
    assert band.low[1] < alone.low[1]
    assert band.high[1] > alone.high[1]
    drift = 4.302652730 * 0.1 / np.sqrt(3)  # Student's quantile of two degrees of freedom
    assert 0.8 - band.low[1] == pytest.approx(np.hypot(dkw_half_width(500, 0.95), drift))


@pytest.mark.parametrize(
    ("x", "options"),
    [
        ([], {}),
        (np.zeros((2, 0)), {}),
        (np.zeros((1, 2, 3)), {}),
        ([0.5, math.nan], {}),
        ([0.5, 1.5], {}),
        ([0.5, 0.6], {"cluster": [1, 2, 3]}),
        ([0.5, 0.6], {"level": 95}),
    ],
)
def test_what_cannot_be_estimated_is_refused(x, options):
    """Empty, non-finite or out-of-range values are refused in words."""
    with pytest.raises(VbenchError):
        crossed_mean(x, **options)
