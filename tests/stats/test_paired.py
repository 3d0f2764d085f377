"""One index against another, over the same queries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vbench.errors import VbenchError
from vbench.stats.exact import mcnemar, sign_flip
from vbench.stats.paired import compare_builds, compare_cvar, compare_means, compare_percentiles


def answers(rng, builds, m, quality=0.0, drift=0.1):
    """Recall@10 of several builds: queries differ, builds drift, and some is chance."""
    logit = (
        2.5
        + quality
        + drift * rng.standard_normal((builds, 1))
        + np.linspace(-2.0, 2.0, m)
        + rng.standard_normal((builds, m))
    )
    return rng.binomial(10, 1.0 / (1.0 + np.exp(-logit))) / 10


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 30)).flatmap(
    lambda shape: st.tuples(
        *(
            hnp.arrays(np.float64, (builds, shape[2]), elements=st.sampled_from([0.0, 0.3, 1.0]))
            for builds in shape[:2]
        )
    )
)


@settings(deadline=None)
@given(pairs)
def test_difference_is_candidate_minus_baseline(pair):
    """The value is the difference of means, inside its interval, inside −1…1."""
    a, b = pair
    found = compare_means(a, b)
    assert found.value == pytest.approx(b.mean() - a.mean(), abs=1e-12)
    assert -1.0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1.0
    assert 0.0 < found.p <= 1.0
    assert found.detectable() > 0.0


@settings(deadline=None)
@given(pairs)
def test_exchanged_sides_mirror_the_difference(pair):
    """Baseline against candidate is candidate against baseline with the other sign."""
    there, back = compare_means(*pair), compare_means(*pair[::-1])
    assert (back.value, back.low, back.high) == pytest.approx(
        (-there.value, -there.high, -there.low), abs=1e-9
    )
    assert back.p == pytest.approx(there.p, rel=1e-6)


@settings(deadline=None)
@given(pairs)
def test_p_and_interval_agree(pair):
    """With several builds, p < 0.05 is said exactly where the interval leaves 0 out."""
    a, b = (np.concatenate([x, x[:1]]) for x in pair)
    found = compare_means(a, b)
    if abs(found.p - 0.05) > 1e-6:
        assert (found.p < 0.05) == (found.low > 0.0 or found.high < 0.0)


def test_better_index_is_found():
    """An index that is better on most queries is found so, with three builds of each."""
    rng = np.random.default_rng(1)
    a, b = answers(rng, 3, 2000), answers(rng, 3, 2000, quality=0.8)
    for found in (
        compare_means(a, b),
        compare_means(a >= 0.85, b >= 0.85),
        compare_cvar(a, b, 0.05),
        compare_percentiles(a, b, 5),
    ):
        assert found.low > 0.0
        assert found.p < 0.05
        assert found.claim == "indexes differ"


def test_one_lucky_build_is_no_better_index():
    """A build above every build of the baseline, by less than builds differ, proves nothing."""
    rng = np.random.default_rng(2)
    calls = sum(
        compare_means(answers(rng, 3, 1000, drift=0.3), answers(rng, 3, 1000, drift=0.3)).p < 0.05
        for _ in range(100)
    )
    assert calls <= 10


def test_one_build_each_is_only_about_these_builds():
    """With one build of each, shares are tested by McNemar and means by sign flips."""
    rng = np.random.default_rng(3)
    a, b = answers(rng, 1, 500), answers(rng, 1, 500, quality=0.2)
    passing = compare_means(a >= 0.85, b >= 0.85)
    gained = int(((b >= 0.85) & (a < 0.85)).sum())
    lost = int(((b < 0.85) & (a >= 0.85)).sum())
    assert passing.claim == "builds differ"
    assert passing.p == mcnemar(gained, lost)
    assert compare_means(a, b, seed=7).p == sign_flip((b - a)[0], seed=7)


def test_one_build_on_one_side_is_about_builds():
    """One build of either side cannot speak for its index."""
    rng = np.random.default_rng(4)
    assert compare_means(answers(rng, 1, 50), answers(rng, 3, 50)).claim == "builds differ"


def test_few_disagreeing_queries_prove_nothing():
    """Four queries on one side and none on the other are not enough, in any number of builds."""
    a = np.ones((2, 1000))
    b = a.copy()
    b[:, :4] = 0.0
    found = compare_means(a, b)
    assert found.p > 0.05
    assert found.low < 0.0 < found.high


def test_no_difference_is_not_certain():
    """Answers that agree on every query still leave a difference possible."""
    found = compare_means(np.ones((3, 500)), np.ones((3, 500)))
    assert found.p == 1.0
    assert found.low < 0.0 < found.high
    assert 0.0 < found.detectable() < 0.05


def test_detectable_difference_is_detected_four_times_in_five():
    """Two indexes that differ by the detectable difference are told apart in about 80 %."""
    rng = np.random.default_rng(5)
    detectable = np.median(
        [compare_means(rng.random((4, 300)), rng.random((4, 300))).detectable() for _ in range(50)]
    )
    found = [
        compare_means(rng.random((4, 300)), rng.random((4, 300)) + detectable, bounds=(0.0, 2.0)).p
        < 0.05
        for _ in range(200)
    ]
    assert 0.68 <= np.mean(found) <= 0.95


def test_more_builds_make_smaller_differences_detectable():
    """Twice the builds, where builds are what is unknown: as ten builds that were drawn do."""
    rng = np.random.default_rng(9)
    five, ten = (
        [
            compare_means(answers(rng, each, 2000, drift=0.5), answers(rng, each, 2000, drift=0.5))
            for _ in range(60)
        ]
        for each in (5, 10)
    )
    expected = np.median([each.with_more_builds([5, 5]).detectable() for each in five])
    assert expected == pytest.approx(np.median([each.detectable() for each in ten]), rel=0.15)
    alone = compare_means(answers(rng, 1, 50), answers(rng, 1, 50))
    assert alone.with_more_builds([1, 1]) == alone


def test_the_same_builds_are_compared_build_by_build():
    """Answers that differ in a tenth of the queries: what the builds share is no chance."""
    rng = np.random.default_rng(10)
    a, other = answers(rng, 3, 1000, drift=0.5), answers(rng, 3, 1000, drift=0.5)
    b = np.where(rng.random(a.shape) < 0.1, other, a)
    apart, together = compare_means(a, b), compare_means(a, b, same_builds=True)
    assert together.value == apart.value
    assert together.high - together.low < 0.5 * (apart.high - apart.low)
    assert together.low < 0.0 < together.high


def test_builds_of_their_own_are_not_paired_by_luck():
    """Nothing is gained by a pairing of builds that have nothing in common."""
    rng = np.random.default_rng(11)
    a, b = answers(rng, 3, 1000), answers(rng, 3, 1000)
    assert compare_means(a, b, same_builds=True) == compare_means(a, b)


def test_clusters_count_as_one():
    """Queries repeated for their user neither sharpen the interval nor the exact test."""
    rng = np.random.default_rng(6)
    user = np.arange(1200) // 4
    a, b = answers(rng, 3, 300), answers(rng, 3, 300, quality=0.3)
    alone = compare_means(a, b)
    together = compare_means(a.repeat(4, axis=1), b.repeat(4, axis=1), cluster=user)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), rel=1e-2)
    a, b = a[:1], b[:1]
    repeated = compare_means(a.repeat(4, axis=1), b.repeat(4, axis=1), cluster=user)
    assert repeated.p == pytest.approx(compare_means(a, b).p, abs=0.02)


def test_tails_of_total_failure_are_compared_with_care():
    """Where one tail is all failures and one just not, luck decides, and the interval says so."""
    a, b = np.ones((1, 1000)), np.ones((1, 1000))
    a[0, :51] = 0.0
    b[0, 10:57] = 0.0
    found = compare_cvar(a, b, 0.05)
    assert found.value == pytest.approx(0.06)
    assert found.low < 0.0 < found.high
    assert found.p > 0.05


def test_unlike_tails_are_told_apart():
    """Each side has its own quantile: what lies above the worse tail is no noise of the better."""
    low, high = np.ones((3, 500)), np.ones((3, 500))
    low[:, :25], high[:, :25] = 0.1, 0.6
    for row, rest in zip(low, (50, 70, 90), strict=True):
        row[25 : 25 + rest] = 0.3
    found = compare_cvar(low, high, 0.05)
    assert found.value == pytest.approx(0.5)
    assert 0.3 < found.low < found.high < 0.7


def test_percentiles_without_difference():
    """The same answers have the same percentile, and an interval around 0."""
    x = answers(np.random.default_rng(7), 3, 400)
    found = compare_percentiles(x, x, 5)
    assert (found.value, found.p) == (0.0, 1.0)
    assert found.low <= 0.0 <= found.high


def test_numbers_of_builds_are_compared_as_by_welch():
    """Build times are compared by Welch's test, where both sides have as many builds."""
    stats = pytest.importorskip("scipy.stats")
    a, b = [1.0, 1.2, 1.1, 1.1], [1.5, 1.9, 1.4, 1.6]
    expected = stats.ttest_ind(b, a, equal_var=False)
    found = compare_builds(a, b)
    interval = expected.confidence_interval()
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("builds", "spreads"), [((2, 8), (1.0, 0.3)), ((2, 8), (0.3, 1.0))])
def test_few_builds_against_many_cover(builds, spreads):
    """Two builds against eight, whichever differ more: Welch's test alone misses in 11 %."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(1000):
        found = compare_builds(
            *(
                spread * rng.standard_normal(number)
                for number, spread in zip(builds, spreads, strict=True)
            )
        )
        held += found.low <= 0.0 <= found.high
    assert 0.92 <= held / 1000 <= 0.99


def test_one_number_of_each_is_no_test():
    """One build time of each says nothing about chance."""
    found = compare_builds([1.0], [2.0])
    assert found.value == 1.0
    assert math.isnan(found.p)
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("a", "b"), [(np.ones((2, 5)), np.ones((2, 6))), (np.ones(0), np.ones(0)), ([0.5], [1.5])]
)
def test_what_cannot_be_compared_is_refused(a, b):
    """Other queries, no queries, or values that are no shares are refused in words."""
    with pytest.raises(VbenchError):
        compare_means(a, b)
