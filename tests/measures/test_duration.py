"""A time is written with its unit, and what is written is read back as the same time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.measures.duration import Duration


@given(st.floats(min_value=1e-12, max_value=1e6))
def test_what_is_written_is_read_back(seconds: float) -> None:
    """To the last bit."""
    assert Duration(str(Duration(seconds))) == seconds


@pytest.mark.parametrize(
    ("given", "written", "nanoseconds"),
    [
        ("10ms", "10ms", 10_000_000),
        ("0.010 s", "10ms", 10_000_000),
        ("500us", "500us", 500_000),
        ("500µs", "500us", 500_000),
        ("2000ms", "2s", 2_000_000_000),
        (0.0015, "1.5ms", 1_500_000),
        (2, "2s", 2_000_000_000),
        ("1e3us", "1ms", 1_000_000),
        ("20ns", "20ns", 20),
    ],
)
def test_a_unit_is_chosen(given: str | float, written: str, nanoseconds: int) -> None:
    """The largest in which it is no fraction; a number without one is in seconds in Python."""
    found = Duration(given)
    assert (str(found), repr(found), found.nanoseconds) == (written, written, nanoseconds)


@pytest.mark.parametrize("given", ["10", "10 parsecs", "ms", "", "-1ms", "0s", -1.0, float("inf")])
def test_what_is_no_time_is_refused(given: str | float) -> None:
    """In one line, with an example."""
    with pytest.raises(VbenchError, match="such as 10ms, 2s or 500us"):
        Duration(given)
