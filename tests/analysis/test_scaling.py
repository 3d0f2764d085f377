"""Measures against the size of the base: lines, forecasts, and sizes that were left out."""

from __future__ import annotations

import pytest

from vbench.analysis.scaling import Key, ScalingLine, SizedValue, draw_line

KEY = Key("fixed", "glove-50", "hnsw", (("M", 16),), "ef=45", 10, "Robustness(delta=0.9)")


def line(values: dict[int, list[float]], *, is_share: bool = True) -> ScalingLine | None:
    """A line through values by size."""
    found = [
        SizedValue(n=n, sample=sample, value=value)
        for n, several in values.items()
        for sample, value in enumerate(several)
    ]
    return draw_line(KEY, found, 1_600_000, is_share=is_share)


def test_what_a_doubling_costs() -> None:
    """On a straight line each doubling takes the same; the largest size is foretold."""
    found = line({12_500: [0.9], 25_000: [0.85], 50_000: [0.8], 100_000: [0.75]})
    assert found is not None
    assert not found.is_factor
    assert found.per_doubling.value == pytest.approx(-0.05)
    assert found.forecast.n == 1_600_000
    assert found.forecast.value == pytest.approx(0.55)
    assert found.left_out is not None
    assert (found.left_out.n, found.left_out.found) == (100_000, 0.75)
    assert found.left_out.value == pytest.approx(0.75)
    assert found.build == {"M": 16}


def test_a_line_that_does_not_hold() -> None:
    """What bends at the largest size is outside of what the others said."""
    found = line({1000: [0.9, 0.91], 2000: [0.85, 0.86], 4000: [0.8, 0.81], 8000: [0.4, 0.41]})
    assert found is not None
    assert found.left_out is not None
    assert found.left_out.is_within is False
    found = line({1000: [0.9, 0.91], 2000: [0.85, 0.86], 4000: [0.8, 0.81], 8000: [0.75, 0.77]})
    assert found is not None
    assert found.left_out is not None
    assert found.left_out.is_within is True


def test_costs_grow_by_a_factor() -> None:
    """What is no share is multiplied; a share never leaves 0 … 1."""
    cost = line({1000: [10.0], 2000: [12.0], 4000: [14.4]}, is_share=False)
    assert cost is not None
    assert cost.is_factor
    assert cost.per_doubling.value == pytest.approx(1.2)
    share = line({1000: [0.5], 2000: [0.3], 4000: [0.1]})
    assert share is not None
    assert share.forecast.value == 0.0
    level = line({1000: [0.0], 2000: [0.0], 4000: [1.0]}, is_share=False)
    assert level is not None
    assert not level.is_factor


def test_one_size_is_no_line() -> None:
    """Nothing is drawn through one size; of two none can be left out."""
    assert line({1000: [0.5, 0.6]}) is None
    two = line({1000: [0.5], 2000: [0.6]})
    assert two is not None
    assert two.left_out is None
    assert two.forecast.low is None
