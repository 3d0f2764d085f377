"""A sample of the queries, and never more than is allowed."""

from __future__ import annotations

import pytest

from vbench.errors import VbenchError
from vbench.watching.budget import Budget, read_limit, read_share


def test_a_sample_is_drawn_by_its_seed() -> None:
    """About the share of the queries, the same with the same seed."""
    drawn = [Budget(0.1, seed=3) for _ in range(2)]
    taken = [[each.takes() for _ in range(5000)] for each in drawn]
    assert taken[0] == taken[1]
    assert 400 < sum(taken[0]) < 600


def test_a_rate_is_kept_in_any_window() -> None:
    """However the queries come."""
    now = [0.0]
    budget = Budget(1.0, 3, 60.0, clock=lambda: now[0])
    times = []
    for step in (0, 1, 1, 1, 30, 26, 2, 1, 58, 1, 1):
        now[0] += step
        if budget.takes():
            times.append(now[0])
    assert len(times) > 5
    assert all(late - early >= 60 for early, late in zip(times, times[3:], strict=False))
    assert not budget.is_spent


def test_a_number_is_kept_in_all() -> None:
    """Then it is spent."""
    budget = Budget(1.0, 2)
    assert [budget.takes() for _ in range(4)] == [True, True, False, False]
    assert budget.is_spent


def test_shares_and_limits_are_read_as_people_write_them() -> None:
    """Or refused in one line."""
    assert (read_share("1%"), read_share("0.01"), read_share(1)) == (0.01, 0.01, 1.0)
    assert read_limit(None) == (None, None)
    assert read_limit("500") == (500, None)
    assert read_limit(" 10 / min") == (10, 60.0)
    for text in ("0", "101%", "x", "nan"):
        with pytest.raises(VbenchError, match="no share"):
            read_share(text)
    for text in ("0", "1/week", "-3"):
        with pytest.raises(VbenchError, match="no limit"):
            read_limit(text)
