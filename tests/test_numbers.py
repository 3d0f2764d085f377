"""How values of measures are written."""

from __future__ import annotations

import math

import pytest

from vbench.numbers import amount


@pytest.mark.parametrize(
    ("measure", "value", "written"),
    [
        ("Latency(p=99)", 1.48e-05, "14.8 µs"),
        ("BuildTime", 2.7, "2.70 s"),
        ("IndexSize", 837_000, "837 kB"),
        ("QPS", 13_299.0, "13,299"),
        ("Recall@10", 0.9144, "0.9144"),
        ("Failure@10", 0.00004, "0.000040"),
        ("Recall@10", None, "–"),
        ("QPS", math.inf, "–"),
    ],
)
def test_values_have_units_and_digits(measure: str, value: float | None, written: str) -> None:
    """No powers of ten, no value that is not 0 written as 0, nothing where nothing is known."""
    assert amount(measure, value) == written


def test_differences_have_signs() -> None:
    """Both ways, and where they are 0."""
    found = [amount("Latency(p=50)", value, signed=True) for value in (0.002, -0.002, 0.0)]
    assert found == ["+2.00 ms", "-2.00 ms", "+0 µs"]
