"""Sequential t-test: its error over all looks, against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from vbench.errors import VbenchError
from vbench.stats.sequential import FIRST, bound_mean, crossing, nominal_level, student


def _student_of(x: np.ndarray) -> np.ndarray:
    """Student's t of the first n values of each row, (paths, n)."""
    n = np.arange(1, x.shape[1] + 1)
    mean = x.cumsum(axis=1) / n
    squares = (x * x).cumsum(axis=1) - n * mean * mean
    return mean[:, FIRST - 1 :] / np.sqrt(squares / (n * np.maximum(n - 1, 1)))[:, FIRST - 1 :]


@pytest.mark.parametrize("last", [5, 20, 60])
@pytest.mark.parametrize("error", [0.01, 0.1])
def test_the_error_over_all_looks_is_the_stated_one(last: int, error: float) -> None:
    """Of simulated normal values as many ever exceed their bound as is said."""
    paths = 40_000
    t = _student_of(np.random.default_rng(last).standard_normal((paths, last)))
    level = nominal_level(error, last)
    bounds = [student(level, n) for n in range(FIRST, last + 1)]
    seen = float((t > bounds).any(axis=1).mean())
    assert seen == pytest.approx(error, abs=4.0 * math.sqrt(error / paths))


def test_one_look_is_the_usual_t_test() -> None:
    """With one look the level is the error, and the bound Student's."""
    assert nominal_level(0.03, FIRST) == pytest.approx(0.03, rel=1e-3)
    assert crossing(0.03, FIRST) == pytest.approx(0.03, rel=1e-3)
    values = [0.3, 0.5, 0.4, 0.7]
    interval = stats.t.interval(0.94, 3, np.mean(values), stats.sem(values))
    assert bound_mean(values, FIRST, 0.03, 0.03) == pytest.approx(interval, rel=1e-3)


def test_more_looks_make_each_stricter() -> None:
    """The level falls with the number of looks, and never below an equal share of the error."""
    levels = [nominal_level(0.01, last) for last in (4, 5, 10, 40)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] > 0.01 / 37


def test_bounds_follow_shift_and_scale() -> None:
    """Moved and stretched values have moved and stretched bounds."""
    x = np.random.default_rng(2).standard_normal(7)
    low, high = bound_mean(x, 12, 0.01, 0.05)
    assert bound_mean(3.0 * x + 2.0, 12, 0.01, 0.05) == pytest.approx(
        (3.0 * low + 2.0, 3.0 * high + 2.0)
    )
    assert low < x.mean() < high


def test_few_values_tell_nothing() -> None:
    """Before the first look the bounds are infinite."""
    assert bound_mean([0.5] * (FIRST - 1), 20, 0.01, 0.01) == (-math.inf, math.inf)


def test_equal_values_are_as_uncertain_as_their_step() -> None:
    """Values that are counted in steps are not certain because they are equal; others are."""
    assert bound_mean([0.5] * 4, 20, 0.01, 0.01) == (0.5, 0.5)
    low, high = bound_mean([0.5] * 4, 20, 0.01, 0.01, step=0.01)
    half = student(nominal_level(0.01, 20), 4) * 0.005 / 2.0
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))


@pytest.mark.parametrize("error", [0.0, 0.5, 2.0])
def test_what_is_no_error_rate_is_refused(error: float) -> None:
    """An error is above 0 and below a half."""
    with pytest.raises(VbenchError, match="error rate"):
        nominal_level(error, 20)


def test_too_few_and_too_many_values_are_refused() -> None:
    """A bound needs a spread, and no more values than it was made for."""
    with pytest.raises(VbenchError, match="3 builds are too few"):
        nominal_level(0.01, 3)
    with pytest.raises(VbenchError, match="6 values are more than the 5"):
        bound_mean([0.1] * 6, 5, 0.01, 0.01)
