"""Lines against the logarithm of a size, against numpy's and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vbench.stats.growth import Growth

SIZES = [1000, 2000, 4000, 8000]


def test_an_exact_line_goes_on() -> None:
    """Values on a line are foretold exactly, with no width, whatever the size."""
    growth = Growth.of(SIZES, [0.9, 0.85, 0.8, 0.75], [0] * 4)
    assert growth.slope() == pytest.approx((-0.05, -0.05, -0.05))
    assert growth.at(64_000) == pytest.approx((0.6, 0.6, 0.6))


def test_a_factor_goes_on() -> None:
    """Of logarithms a doubling multiplies."""
    growth = Growth.of(SIZES, [10, 15, 22.5, 33.75], [0] * 4, is_logarithmic=True)
    assert growth.slope().value == pytest.approx(1.5)
    assert growth.at(16_000).value == pytest.approx(33.75 * 1.5)


def test_the_line_is_that_of_least_squares() -> None:
    """Line and interval are those of the textbook, where there is one sample."""
    rng = np.random.default_rng(0)
    x, y = np.log2(SIZES), rng.normal(size=4)
    growth = Growth.of(SIZES, y.tolist(), [0] * 4)
    step, start = np.polyfit(x, y, 1)
    told = growth.at(16_000)
    assert told.value == pytest.approx(start + step * math.log2(16_000))
    rest = y - start - step * x
    variance = rest @ rest / 2
    share = 1 / 4 + (math.log2(16_000) - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    assert told.high - told.value == pytest.approx(4.302653 * math.sqrt(variance * share), rel=1e-5)
    again = growth.at(16_000, seen=1)
    wider = 4.302653 * math.sqrt(variance * (1 + share))
    assert again.high - again.value == pytest.approx(wider, rel=1e-5)


def test_two_points_tell_no_interval() -> None:
    """A line through two values has nothing to be judged by."""
    told = Growth.of([1000, 2000], [0.9, 0.8], [0, 0]).at(4000)
    assert told.value == pytest.approx(0.7)
    assert math.isnan(told.low)


@pytest.mark.parametrize("shared", [0.0, 0.02])
def test_intervals_cover(shared: float) -> None:
    """Of 400 studies at least 93 % cover the line, also where sizes of a sample err together."""
    rng = np.random.default_rng(1)
    sizes, chains = np.repeat(SIZES, 3), np.tile([0, 1, 2], 4)
    truth, covered = 0.9 - 0.04 * (np.log2(sizes) - np.log2(1000)), 0
    goal = 0.9 - 0.04 * math.log2(32)
    for _ in range(400):
        tilt = rng.normal(0, shared, 3)[chains] * (np.log2(sizes) - np.log2(1000))
        y = truth + tilt + rng.normal(0, 0.01, 12)
        told = Growth.of(sizes.tolist(), y.tolist(), chains.tolist()).at(32_000)
        covered += told.low <= goal <= told.high
    assert covered >= 0.93 * 400


def test_without_a_size() -> None:
    """One size is left out; of one size alone there is no line."""
    growth = Growth.of(SIZES, [0.9, 0.85, 0.8, 0.1], [0] * 4)
    rest = growth.without(8000)
    assert rest is not None
    assert rest.at(8000).value == pytest.approx(0.75)
    assert Growth.of([1, 2], [1, 2], [0, 0]).without(2) is None
