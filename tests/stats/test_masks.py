"""Masks as a source of chance beside builds and queries."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.stats.crossed import crossed_mean
from vbench.stats.masks import compare_over_masks, join_differences, join_masks
from vbench.stats.paired import Difference, compare_builds, compare_means


def test_one_mask_keeps_its_interval() -> None:
    """Nothing is known of other masks where there is one."""
    assert join_masks([0.5], [(0.4, 0.7)]) == (0.5, 0.4, 0.7, None)


def test_masks_that_differ_widen_the_interval() -> None:
    """The interval is as wide as each mask's where they agree, and wider where they do not."""
    alike = join_masks([0.5, 0.5, 0.5], [(0.4, 0.6)] * 3)
    assert alike == pytest.approx((0.5, 0.4, 0.6, 0.0))
    apart = join_masks([0.4, 0.5, 0.6], [(0.4, 0.6)] * 3, bounds=(0.0, 1.0))
    assert apart.low is not None
    assert apart.low < 0.4
    assert join_masks([0.99, 1.0], [(0.9, 1.0)] * 2, bounds=(0.0, 1.0)).high == 1.0


def test_a_cost_without_an_interval_has_none_over_masks() -> None:
    """What one build cannot tell, several masks do not tell either."""
    assert join_masks([1.0, 3.0], [(None, None), (1.0, 2.0)])[1:3] == (None, None)


def test_a_difference_over_masks_is_the_mean_of_theirs() -> None:
    """Masks that shift the difference widen its interval; those that shift both sides do not."""
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.4, 0.5, (2, 3, 2, 100))
    shift = np.array([-0.2, 0.0, 0.2])[:, None, None]
    plain, common, own = (
        compare_over_masks(a + one, b + other)
        for one, other in ((0, 0), (shift, shift), (0, shift))
    )
    for found in (plain, common, own):
        assert found.value == pytest.approx(float(b.mean() - a.mean()))
    assert (plain.low, plain.high) == pytest.approx((common.low, common.high))
    assert own.high - own.low > 5 * (plain.high - plain.low)
    assert plain.claim == "indexes differ"


def test_more_builds_leave_queries_and_masks_as_they_are() -> None:
    """What twice the builds would show keeps the variance of the masks."""
    a, b = np.random.default_rng(1).uniform(0.4, 0.5, (2, 3, 2, 100))
    found = compare_over_masks(a, b)
    assert found.kept == 2
    assert found.with_more_builds([2, 2]).parts[:2] == found.parts[:2]


def test_differences_of_other_measures_are_joined() -> None:
    """Of equal differences the interval stays; of what one build cannot tell there is none."""
    a, b = np.random.default_rng(2).uniform(0.4, 0.9, (2, 2, 100))
    one = compare_means(a, b)
    joined = join_differences([one, one, one])
    assert (joined.value, joined.low, joined.high) == pytest.approx((one.value, one.low, one.high))
    assert np.isnan(join_differences([compare_builds([1.0], [2.0])] * 2).p)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "builds"), [("means", 1), ("means", 3), ("joined", 3)])
@pytest.mark.parametrize(
    ("masks", "common", "own"), [(0.0, 0.2, 0.05), (0.0, 0.05, 0.2), (0.03, 0.1, 0.1)]
)
def test_equal_indexes_seldom_differ_under_masks(
    way: str, builds: int, masks: float, common: float, own: float
) -> None:
    """A against A over three masks: p < 0.05 in at most 7 % of 400 draws."""
    rng = np.random.default_rng(0)
    draws, m = 400, 120
    differing = 0
    for _ in range(draws):
        hard = rng.normal(0, common, m)
        sides = [
            0.5
            + np.clip(
                hard
                + rng.normal(0, masks, (3, 1, 1))
                + rng.normal(0, 0.005, (1, builds, 1))
                + rng.normal(0, own, (3, 1, m))
                + rng.normal(0, 0.1, (3, builds, m)),
                -0.5,
                0.5,
            )
            for _ in range(2)
        ]
        differing += _difference(way, *sides).p < 0.05
    assert differing / draws <= 0.07


def _difference(way: str, a: np.ndarray, b: np.ndarray) -> Difference:
    if way == "means":
        return compare_over_masks(a, b)
    return join_differences([compare_means(*each) for each in zip(a, b, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("builds", "masks", "queries"), [(0.01, 0.02, 0.2), (0.0, 0.03, 0.2), (0.02, 0.0, 0.2)]
)
def test_three_builds_and_three_masks_cover(builds: float, masks: float, queries: float) -> None:
    """95 % intervals over 3 builds × 3 masks cover the mean in 94 % or more of 2,000 draws."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        of_build, of_mask = rng.normal(0, builds, 3), rng.normal(0, masks, 3)
        hard = rng.normal(0, queries, 200)
        estimates = []
        for mask in of_mask:
            both = rng.normal(0, queries / 2, 200)
            noise = rng.normal(0, queries / 2, (3, 200))
            values = 0.7 + mask + of_build[:, None] + hard + both + noise
            estimates.append(crossed_mean(values, bounds=None))
        joined = join_masks([e.value for e in estimates], [(e.low, e.high) for e in estimates])
        covered += joined.low <= 0.7 <= joined.high  # type: ignore[operator]
    assert covered / 2000 >= 0.94
