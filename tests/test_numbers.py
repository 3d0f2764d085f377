"""How numbers are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench import numbers
from vbench._document import Interval
from vbench.numbers import Unit


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("seconds", 1.48e-05, "14.8 µs"),
        ("seconds", 2.7, "2.70 s"),
        ("seconds", 0.0, "0 µs"),
        ("bytes", 837_000, "837 kB"),
        ("bytes", 12, "12 B"),
        ("rate", 13_299.0, "13,299"),
        ("rate", 12.34, "12.3"),
        ("score", 0.9144, "0.914"),
        ("score", 0.99144, "0.9914"),
        ("score", 1.0, "1.000"),
        ("share", 0.905, "90.5 %"),
        ("share", 0.00326, "0.33 %"),
        ("share", 0.0, "0 %"),
        ("share", 1.0, "100 %"),
        ("share", 0.00001, "0.001 %"),
        ("share", None, "–"),
        ("rate", math.inf, "–"),
    ],
)
def test_values_have_units_and_digits(unit: Unit, value: float | None, written: str) -> None:
    """No powers of ten, and nothing where nothing is known."""
    assert numbers.write(value, unit) == written


@given(st.floats(1e-8, 1 - 1e-8))
def test_only_all_is_written_as_all_and_only_none_as_none(value: float) -> None:
    """A share or a score between 0 and 1 is not written as one of them."""
    assert float(numbers.write(value, "share").removesuffix(" %")) not in (0.0, 100.0)
    assert float(numbers.write(value, "score")) not in (0.0, 1.0)


@pytest.mark.parametrize(
    ("unit", "found", "written"),
    [
        ("score", (0.912, 0.905, 0.919), "0.912 [0.905, 0.919]"),
        ("score", (0.912, 0.9119, 0.9121), "0.912 [0.9119, 0.9121]"),
        ("share", (0.905, 0.899, 0.911), "90.5 % [89.9, 91.1]"),
        ("share", (0.0, 0.0, 0.0004), "0 % [0.00, 0.04]"),
        ("seconds", (0.00148, 0.00099, 0.002), "1.48 ms [0.99, 2.00]"),
        ("bytes", (12.0, 11.0, 13.0), "12 B [11, 13]"),
        ("rate", (1234.0, None, None), "1,234"),
        ("rate", (1234.0, -math.inf, math.inf), "1,234"),
        ("rate", (None, None, None), "–"),
    ],
)
def test_an_interval_is_in_the_unit_of_its_value(
    unit: Unit, found: tuple[float, ...], written: str
) -> None:
    """In brackets behind it, with more digits where its ends would hardly differ."""
    assert numbers.write_interval(Interval(*found), unit) == written


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("seconds", 0.002, "+2.00 ms"),
        ("seconds", -0.002, "-2.00 ms"),
        ("seconds", 0.0, "+0 µs"),
        ("share", -0.0087, "-0.87 pp"),
        ("score", 0.0087, "+0.0087"),
        ("score", None, "–"),
    ],
)
def test_differences_have_signs(unit: Unit, value: float | None, written: str) -> None:
    """Both ways, and where they are 0; that of two shares is in percentage points."""
    assert numbers.write_difference(value, unit) == written


def test_the_interval_of_a_difference_has_signs() -> None:
    """In the unit of the difference."""
    found = Interval(-0.0087, -0.012, 0.001)
    assert numbers.write_difference_ends(found, "share") == "[-1.20, +0.10]"
    assert numbers.write_difference_ends(Interval(None), "share") == ""


def test_one_of_several_is_said_in_the_singular() -> None:
    """Of the nouns that results count."""
    assert numbers.count(1, "indexes") == "1 index"
    assert [numbers.count(n, "builds") for n in (0, 1, 2000)] == [
        "0 builds",
        "1 build",
        "2,000 builds",
    ]
    assert numbers.count(1, "overlap") == "1 overlap"


def test_a_p_is_never_0() -> None:
    """Small ones are said to be small; without one there is a dash."""
    assert [numbers.write_p(p) for p in (0.03, 1e-9, None)] == ["0.0300", "< 0.0001", "–"]
