"""Ranking quality by mean recall: the slope, its interval, and how often it deceives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress, ttest_1samp

from vbench._document import Interval
from vbench.analysis.trend import Point, estimate_trend

RECALLS = (0.9, 0.6, 0.3)


def points(quality: list[np.ndarray], recalls: tuple[float, ...] = RECALLS) -> list[Point]:
    return [
        Point(recall, np.atleast_2d(each), list(range(len(np.atleast_2d(each)))))
        for recall, each in zip(recalls, quality, strict=True)
    ]


def test_it_is_the_slope_of_the_least_squares_line() -> None:
    """Through exact search at recall 1; with one build the interval is that of the queries."""
    rng = np.random.default_rng(0)
    exact, lists = rng.random(200), [rng.random(200) for _ in RECALLS]
    found = estimate_trend(exact, points(lists))
    recall = [1.0, *RECALLS]
    slopes = np.array([linregress(recall, each).slope for each in np.stack([exact, *lists], 1)])
    assert found.value == pytest.approx(slopes.mean())
    plain = ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(plain, rel=0.02)


def test_the_sign_says_whether_worse_search_ranks_better() -> None:
    """What all queries share cancels, so that small differences are seen."""
    rng = np.random.default_rng(1)
    exact = rng.random(400)
    worse = [exact - 0.02 * (1 - recall) + 0.005 * rng.normal(size=(2, 400)) for recall in RECALLS]
    assert estimate_trend(exact, points(worse)).low > 0
    better = [exact + 0.02 * (1 - recall) + 0.005 * rng.normal(size=(2, 400)) for recall in RECALLS]
    assert estimate_trend(exact, points(better)).high < 0


def test_builds_that_some_settings_lack_are_left_out() -> None:
    """Those that all have are compared; where none are, the means over builds."""
    rng = np.random.default_rng(2)
    exact, three, two = rng.random(50), rng.random((3, 50)), rng.random((2, 50))
    own = [Point(0.9, three, [0, 1, 2]), Point(0.5, two, [1, 2])]
    shared = [Point(0.9, three[1:], [1, 2]), Point(0.5, two, [1, 2])]
    assert estimate_trend(exact, own) == estimate_trend(exact, shared)
    apart = [Point(0.9, three[:1], [0]), Point(0.5, two, [1, 2])]
    means = [Point(0.9, three[:1], [0]), Point(0.5, two.mean(axis=0, keepdims=True), [0])]
    assert estimate_trend(exact, apart) == estimate_trend(exact, means)


def test_where_recall_never_differs_there_is_no_trend() -> None:
    """Exact answers alone; of one query there is a slope without ends."""
    exact = np.ones(5)
    assert estimate_trend(exact, points([exact], (1.0,))) == Interval(None)
    single = estimate_trend(np.array([0.5]), points([np.array([0.25])], (0.5,)))
    assert single == Interval(0.5)


def test_quality_that_does_not_depend_on_recall_is_seldom_called_a_trend() -> None:
    """Of 400 draws with shifts of queries and builds, at most 2.5 % (and chance) lie below 0."""
    rng = np.random.default_rng(3)
    below = 0
    for _ in range(400):
        exact = rng.normal(size=100)
        lists = [
            exact + rng.normal(size=(3, 1)) * 0.05 + rng.normal(size=(3, 100)) * 0.3
            for _ in RECALLS
        ]
        below += estimate_trend(exact, points(lists)).high < 0
    assert below / 400 <= 0.045
