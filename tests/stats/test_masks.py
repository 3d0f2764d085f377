"""Masks as a source of chance beside builds and queries."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.stats.crossed import crossed_mean
from vbench.stats.masks import join_masks


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
