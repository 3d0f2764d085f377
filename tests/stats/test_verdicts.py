"""Are verdicts right as often as they say? Drawn from pools of builds, as `compare` decides.

Four measures are tested together, and adjusted by Holm's method. The tables of docs/statistics.md,
"Measured verdicts", are from here.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from build_pools import draw_together, hnsw_pool, made_pool

from vbench.stats.crossed import crossed_mean, margin
from vbench.stats.exact import holm, holm_levels
from vbench.stats.intervals import percentile_rank
from vbench.stats.paired import compare_cvar, compare_means
from vbench.stats.tail import crossed_percentile

POOLS = {
    "even": lambda: made_pool(drift=0.1),
    "skewed": lambda: made_pool(drift=0.3, skew=1.5),
    "hnsw": lambda: hnsw_pool(16),
}
MEASURES = ("Recall", "R-0.9", "CVaR", "Failure")


@functools.cache
def pool_of(name):
    """Made once."""
    return POOLS[name]()


def differences(a, b):
    """What is compared by default."""
    return (
        compare_means(a, b),
        compare_means(a > 0.85, b > 0.85),
        compare_cvar(a, b, 0.05),
        compare_means(a == 0.0, b == 0.0),
    )


def false_alarms(pool, builds, m, rounds):
    """Share of comparisons of one index with itself in which any measure is called different."""
    rng = np.random.default_rng(1)
    calls = 0
    for _ in range(rounds):
        x = pool.draw(rng, 2 * builds, m)
        found = differences(x[:builds], x[builds:])
        calls += holm([each.p for each in found]).min() < 0.05
    return calls / rounds


def found_and_covered(a, b, builds, m, rounds):
    """How often a difference of CVaR is found, and its interval holds the true one."""
    rng = np.random.default_rng(2)
    truth = b.cvar() - a.cvar()
    found = covered = 0
    for _ in range(rounds):
        each = compare_cvar(*draw_together(rng, (a, b), builds, m), 0.05)
        found += each.p < 0.05
        covered += each.low <= truth <= each.high
    return found / rounds, covered / rounds


def percentile_coverage(pool, p, builds, m, rounds):
    """Share of intervals that hold the mean over all builds of their percentiles."""
    rng = np.random.default_rng(3)
    rank = percentile_rank(pool.recall.shape[1], p)
    truth = np.sort(pool.recall, axis=1)[:, rank].mean()
    held = 0
    for _ in range(rounds):
        found = crossed_percentile(pool.draw(rng, builds, m), p)
        held += found.low - 1e-9 <= truth <= found.high + 1e-9
    return held / rounds


def found_of_detectable(pool, builds, m, rounds):
    """How often a difference as large as the minimum detectable one is found, of each measure.

    The index is compared with itself, and the difference of one measure is moved by the median of
    what was named as its minimum detectable difference; the others are left alone.
    """
    rng = np.random.default_rng(4)
    drawn = []
    for _ in range(rounds):
        x = pool.draw(rng, 2 * builds, m)
        found = differences(x[:builds], x[builds:])
        levels = 1.0 - holm_levels([each.p for each in found])
        drawn.append(
            [
                (each.value, each.detectable(level), margin(each.parts, level))
                for each, level in zip(found, levels, strict=True)
            ]
        )
    values, detectable, half = np.moveaxis(np.array(drawn), 2, 0)
    moved = np.abs(values + np.median(detectable, axis=0))
    return (moved > half).mean(axis=0)


@pytest.mark.parametrize("name", ["even", "skewed"])
def test_an_index_is_seldom_called_different_from_itself(name):
    """After Holm, over four measures and three builds of each."""
    assert false_alarms(pool_of(name), 3, 500, 60) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("builds", [2, 3, 5])
def test_an_index_is_called_different_from_itself_in_5_percent_at_most(name, builds):
    """After Holm, over four measures."""
    assert false_alarms(pool_of(name), builds, 500, 400) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("builds", [3, 5])
@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_the_same_builds_are_called_different_in_5_percent_at_most(name, builds, alike):
    """Of one seed and order each: whether they have answers in common, or nothing."""
    rng = np.random.default_rng(6)
    calls = 0
    for _ in range(400):
        x = pool_of(name).draw(rng, 2 * builds, 500)
        a, b = x[:builds], np.where(rng.random((builds, 500)) < alike, x[:builds], x[builds:])
        calls += compare_means(a, b, same_builds=True).p < 0.05
    assert calls / 400 <= 0.055


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hardest", "size", "least"), [((0.1, 0.79), 0.5, 0.95), ((0.1, 0.35), 0.19, 0.8)]
)
def test_differences_of_the_worst_are_found(hardest, size, least):
    """Half of recall in 95 % of cases, a fifth in 80 %, of 500 queries and three builds."""
    a, b = (made_pool(hardest=each, seed=seed) for seed, each in enumerate(hardest))
    assert b.cvar() - a.cvar() == pytest.approx(size, abs=0.01)
    found, covered = found_and_covered(a, b, 3, 500, 400)
    assert found >= least
    assert covered >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("builds", [2, 3, 5])
@pytest.mark.parametrize("m", [300, 1000])
def test_percentiles_cover_the_mean_over_builds(name, builds, m):
    """At least as often as they claim, but for chance."""
    assert percentile_coverage(pool_of(name), 5, builds, m, 300) >= 0.93 - 3 * 0.0147


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("builds", [2, 3, 5])
def test_minimum_detectable_differences_are_found_in_four_of_five_cases(name, builds):
    """As the verdict is made, after Holm."""
    found = found_of_detectable(pool_of(name), builds, 500, 300)
    # Chance alone moves each by 4.5 points.
    assert ((found >= 0.7) & (found <= 0.9)).all(), dict(zip(MEASURES, found, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("builds", [2, 3, 5, 8])
def test_builds_that_dominate_and_are_skewed_are_covered_less_often(builds):
    """Of 5,000 queries, few builds being far worse than the others: 86 % at the least."""
    pool = made_pool(hard=0.3, drift=0.25, skew=2.0)
    rng = np.random.default_rng(5)
    truth = pool.recall.mean()
    held = sum(
        each.low <= truth <= each.high
        for each in (crossed_mean(pool.draw(rng, builds, 5000)) for _ in range(300))
    )
    assert 0.86 <= held / 300 <= 0.98
