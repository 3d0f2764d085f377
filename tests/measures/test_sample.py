"""Measures over builds: which interval each gets."""

from __future__ import annotations

import numpy as np
import pytest
from answers_factory import from_hits
from scipy import stats

from vbench.measures.answers import Answers, Cost
from vbench.measures.base import OfBuild
from vbench.measures.grammar import parse
from vbench.measures.sample import Sample
from vbench.stats.bootstrap import resample
from vbench.stats.crossed import crossed_mean

HITS = np.random.default_rng(2).binomial(10, 0.8, size=(3, 1200))


def builds(count: int) -> list[Answers]:
    return [from_hits(hits, 10) for hits in HITS[:count]]


def test_a_share_of_one_build_has_wilsons_interval() -> None:
    """Robustness and Failure against scipy's Wilson interval."""
    for name in ("Robustness(delta=0.9)@10", "Failure@10"):
        measure = parse(name)
        got = Sample(builds(1)).estimate(measure)
        passing = int(measure.per_query(builds(1)[0]).sum())
        expected = stats.binomtest(passing, 1200).proportion_ci(method="wilson")
        assert (got.low, got.high) == pytest.approx((expected.low, expected.high))
        assert got.spread is None


def test_a_share_of_clustered_queries_is_not_of_independent_ones() -> None:
    """With users, Wilson's interval would be too narrow: it is that of crossed effects."""
    users, measure = np.arange(1200) // 10, parse("Failure@10")
    hits = np.repeat(HITS[0, :120] * (np.arange(120) % 5 > 0), 10)
    got = Sample([from_hits(hits, 10)], clusters=users).estimate(measure)
    expected = crossed_mean(hits == 0, 0.95, users)
    assert (got.low, got.high) == (expected.low, expected.high)
    blind = Sample([from_hits(hits, 10)]).estimate(measure)
    assert got.high - got.low > 2 * (blind.high - blind.low)


@pytest.mark.parametrize("name", ["Recall@10", "CVaR@10", "Percentile@10", "MAP@10"])
def test_intervals_of_one_build_hold_the_value(name: str) -> None:
    """Means and tails of one build have an interval around them."""
    got = Sample(builds(1)).estimate(parse(name))
    assert got.low <= got.value <= got.high


@pytest.mark.parametrize("name", ["Recall@10", "Failure@10", "CVaR@10", "Percentile@10"])
def test_several_builds_have_mean_and_spread(name: str) -> None:
    """The value is the mean over builds, the spread their standard deviation."""
    measure = parse(name)
    values = [measure.value(each) for each in builds(3)]
    got = Sample(builds(3)).estimate(measure)
    assert got.value == pytest.approx(np.mean(values))
    assert got.spread == pytest.approx(np.std(values, ddof=1))
    assert got.low <= got.value <= got.high


@pytest.mark.parametrize(
    ("name", "m"),
    [(name, m) for name in ("Recall@10", "CVaR@10", "Failure@10") for m in (50, 1500)]
    + [("Percentile@10", 50)],
)
def test_perfect_answers_leave_room_for_doubt(name: str, m: int) -> None:
    """Equal queries do not make an interval without width, however many they are."""
    got = Sample([from_hits([10] * m, 10)]).estimate(parse(name))
    assert got.high > got.low


def test_costs_have_students_interval_over_builds() -> None:
    """One value a build: scipy's t interval; with one build, no interval."""
    answers = [from_hits([1], 10, cost=Cost(build_seconds=s)) for s in (3.0, 3.5, 4.0)]
    got = Sample(answers).estimate(parse("BuildTime"))
    expected = stats.t.interval(0.95, 2, loc=3.5, scale=stats.sem([3.0, 3.5, 4.0]))
    assert (got.low, got.high) == pytest.approx(expected)
    assert Sample(answers[:1]).estimate(parse("BuildTime")) == (3.0, None, None, None)


def test_the_interval_of_a_cost_ends_at_zero() -> None:
    """Builds that differ much do not take less than no time."""
    answers = [from_hits([1], 10, cost=Cost(build_seconds=s)) for s in (1.0, 2.0, 4.0)]
    got = Sample(answers).estimate(parse("BuildTime"))
    assert got.low == 0.0
    assert got.high == pytest.approx(
        stats.t.interval(0.95, 2, loc=np.mean([1, 2, 4]), scale=stats.sem([1, 2, 4]))[1]
    )


def test_what_was_not_measured_is_none() -> None:
    """An index that counts no distances has no Work."""
    assert Sample(builds(2)).estimate(parse("Work")) == (None, None, None, None)


def test_a_measure_of_the_build_is_estimated_over_builds() -> None:
    """A number that a plug-in makes of a whole trial has Student's interval."""

    class Best(OfBuild):
        def value(self, answers: Answers) -> float:
            return float(answers.hits.max())

    found = Sample(builds(3)).estimate(Best())
    assert found.value == pytest.approx(HITS.max(axis=1).mean())


@pytest.mark.parametrize(("queries", "resampled"), [(999, False), (1000, True)])
def test_the_histogram_of_hits_is_resampled_from_a_thousand_queries_on(
    queries: int, *, resampled: bool
) -> None:
    """With fewer, one build gets the interval of several builds' formula."""
    hits = HITS[0, :queries]
    got = Sample([from_hits(hits, 10)]).estimate(parse("Recall@10"))
    by_formula = crossed_mean(hits / 10)
    by_bootstrap = resample(hits, 10).mean(0.95)
    expected = by_bootstrap if resampled else by_formula
    assert (got.low, got.high) == (expected.low, expected.high)
    assert (by_bootstrap.low, by_bootstrap.high) != (by_formula.low, by_formula.high)
