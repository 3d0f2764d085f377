"""The bound of a mean: valid whatever the distribution, and not much wider than need be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.stats.betting import mean_lower
from vbench.stats.intervals import exact_lower


@pytest.mark.parametrize(
    ("mean", "draw"),
    [
        (0.99, lambda rng: rng.random(400) < 0.99),
        (0.5, lambda rng: rng.random(100) < 0.5),
        (0.9, lambda rng: rng.binomial(10, 0.9, 300) / 10),
        (0.95, lambda rng: np.where(rng.random(200) < 0.05, 0.0, 1.0)),
    ],
)
def test_the_true_mean_is_seldom_below_the_bound(mean, draw) -> None:
    """At most 5 % of samples, and a little for the simulation's own chance."""
    rng = np.random.default_rng(3)
    bounds = np.array([mean_lower(draw(rng)) for _ in range(300)])
    assert (bounds > mean).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_it_is_hardly_wider_than_the_exact_bound_of_a_share() -> None:
    """On shares, where Clopper–Pearson knows the distribution, within half more width."""
    passes = np.random.default_rng(0).random(2000) < 0.97
    share = passes.mean()
    assert share - mean_lower(passes) < 1.5 * (share - exact_lower(int(passes.sum()), 2000))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_it_never_exceeds_the_mean(values: list[float]) -> None:
    """And lies between 0 and 1."""
    assert 0.0 <= mean_lower(values) <= np.mean(values)


def test_bets_are_placed_before_the_value_is_known() -> None:
    """The predictable plug-in written out: variance and mean of the values so far, and no more."""
    values, level = np.tile([1.0, 0.5, 0.9, 0.0, 1.0], 12), 0.95

    def largest_capital(assumed: float) -> float:
        capital, most, seen, squares = 1.0, 0.0, 0.5, 0.25
        for t, value in enumerate(values, start=1):
            variance = squares / t
            bet = np.sqrt(2 * np.log(1 / (1 - level)) / (variance * len(values)))
            capital *= 1 + min(bet, 0.75 / assumed) * (value - assumed)
            most = max(most, capital)
            seen += value
            squares += (value - seen / (t + 1)) ** 2
        return most

    bound = mean_lower(values, level)
    assert largest_capital(bound - 1e-6) > 20.0 > largest_capital(bound + 1e-6)


def test_more_confidence_is_a_lower_bound() -> None:
    """At 99 % the bound lies below that at 90 %."""
    values = np.random.default_rng(1).random(500)
    assert mean_lower(values, 0.99) < mean_lower(values, 0.9)


@pytest.mark.parametrize("values", [[], [1.1], [-0.1], [np.nan], [[0.5]]])
def test_values_without_bounds_are_refused(values: list) -> None:
    """The bound rests on values between 0 and 1."""
    with pytest.raises(VbenchError, match="between 0 and 1"):
        mean_lower(values)
