"""Constants of the intervals, held by numbers of one fixed matrix.

Simulations of coverage are too coarse to see a constant change; each of these numbers moves with
one. Where a constant is changed on purpose, so are they, and `docs/statistics.md`.
"""

import numpy as np
import pytest

from vbench.stats.crossed import crossed_mean, noise_share
from vbench.stats.exact import FLIPS, sign_flip
from vbench.stats.paired import compare_cvar, compare_means
from vbench.stats.tail import crossed_cvar, crossed_percentile

_I = np.arange(60)
_B = np.arange(3)[:, np.newaxis]
MADE = np.minimum(10, 6 + 7 * _I % 5 + (_I * (_B + 2) % 3 == 0) - 5 * (_I % 9 == 0)) / 10
"""Recall of 60 queries in three builds: hard queries, easy ones, and one build better."""
OTHER = np.clip(MADE[:2] - 0.2 * (_I * (_B[:2] + 3) % 4 == 0), 0, 1)
"""Two builds of another index, worse at some queries."""


def test_how_much_of_the_interaction_is_known_noise():
    """The fourth power of the queries' share."""
    assert noise_share(3.0, 4.0) == 0.31640625
    assert noise_share(-1.0, 4.0) == 0.0


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (MADE, (0.787777778, 0.682699774, 0.864941916)),
        (MADE[0], (0.77, 0.713323292, 0.818325387)),
    ],
)
def test_mean_over_builds(x, expected):
    """The weight of the query that was not met, and what is moved between builds and queries."""
    found = crossed_mean(x)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=5e-7)


def test_clusters_of_unlike_size():
    """Thirty queries of one user and thirty of one each are as many clusters as tell something."""
    found = crossed_mean(MADE, cluster=np.where(_I < 30, 0, _I))
    assert found[1:3] == pytest.approx((0.420719879, 0.949930801), abs=5e-7)


def test_builds_that_agree_by_chance():
    """Two failures, one in each build, leave at least the noise of single queries."""
    few = np.ones((2, 20))
    few[0, 0] = few[1, 1] = 0.0
    assert crossed_mean(few)[:3] == pytest.approx((0.95, 0.866121554, 0.982394558), abs=5e-7)


def test_cvar_over_builds():
    """Its upper end is counted from the builds' own mean, not from the pooled builds'."""
    found = crossed_cvar(MADE, 0.2)
    assert found[:3] == pytest.approx((0.488888889, 0.301846501, 0.594478219), abs=5e-7)


def test_cvar_over_builds_of_unlike_tails():
    """The same where one build's tail reaches another value than the pooled builds' does."""
    rank = np.arange(200) * 37 % 100
    unlike = [
        np.where(rank < (25 if b == 0 else 15), 0.0, np.where(rank < 60, 0.5, 1.0))
        for b in range(8)
    ]
    found = crossed_cvar(np.stack(unlike), 0.2)
    assert found[:3] == pytest.approx((0.109375, 0.0, 0.232393581), abs=5e-7)


def test_cvar_over_builds_that_drift():
    """The builds' own part of the variance bounds how little the upper end may lean."""
    queries, build = np.arange(100), np.arange(2)[:, np.newaxis]
    hits = (13 * queries + build * (queries % 4 == 0)) % 11 + build * (queries % 3 == 0)
    found = crossed_cvar(np.minimum(hits, 10) / 10, 0.1)
    assert found.high == pytest.approx(0.333548344, abs=5e-7)


def test_cvar_over_builds_of_which_one_has_no_tail():
    """Its distance from the others counts, though no query of it lies under the common quantile."""
    rank = np.arange(200) * 37 % 100
    bad = np.where(rank < 6, 0.2, np.where(rank < 12, 0.3, 1.0))
    found = crossed_cvar(np.stack([*[bad] * 7, np.where(rank < 30, 0.8, 1.0)]), 0.1)
    assert found[:3] == pytest.approx((0.31, 0.0, 0.469411064), abs=5e-7)


def test_percentile_over_builds():
    """Its ends weigh the values that recall takes by the share of builds that are above each."""
    found = crossed_percentile(MADE, 20)
    assert found[:3] == pytest.approx((0.633333333, 0.507261070, 0.753460630), abs=5e-7)


def test_difference_of_means():
    """The two queries that are added, and whose degrees of freedom count."""
    found = compare_means(MADE, OTHER)
    expected = (-0.116111111, -0.558744977, 0.326522755)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=5e-7)
    assert (found.p, found.detectable()) == pytest.approx((0.227920547, 0.771127680), abs=5e-7)


def test_difference_of_builds_that_agree_by_chance():
    """As many failures in each build of a side: what single queries do is left all the same."""
    few, more = np.ones((2, 20)), np.ones((2, 20))
    few[0, 0] = few[1, 1] = 0.0
    more[0, [2, 4]] = more[1, [3, 5]] = 0.0
    found = compare_means(few, more)
    assert found[:4] == pytest.approx((-0.05, -0.142985034, 0.042985034, 0.274409409), abs=5e-7)


def test_difference_of_cvar():
    """The same of the worst queries, each side under its own quantile."""
    found = compare_cvar(MADE, OTHER, 0.2)
    expected = (-0.134722222, -0.477128422, 0.207683978)
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=5e-7)


def test_signs_that_were_tossed_never_give_certainty():
    """The observed signs count as one more toss: p is 1 / (tosses + 1) at the least."""
    differences = np.tile([0.1, 0.2, 0.3], 40)
    assert sign_flip(differences) == 1 / (FLIPS + 1)
    assert sign_flip(differences, flips=99) == 0.01
