"""Whether the tails of several settings hold the same queries."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.overlap import everywhere_of, in_most_builds, overlap_of

TAILS = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0], [0] * 8], dtype=bool)


def test_a_query_is_in_the_tail_where_more_than_half_of_the_builds_have_it_there() -> None:
    """Half of them are not enough."""
    under = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1]], dtype=bool)
    assert in_most_builds(under).tolist() == [True, False, False]


def test_what_another_setting_would_have_served() -> None:
    """As a share of one's own tail with its interval; nothing is said of none."""
    rows = {(each.index, each.other): each for each in overlap_of(["a", "b", "c"], TAILS)}
    assert len(rows) == 6
    a, b = rows["a", "b"], rows["b", "a"]
    assert (a.tail, a.saved, a.share) == (4, 2, 0.5)
    assert (b.tail, b.saved, b.share) == (3, 1, pytest.approx(1 / 3))
    assert a.low is not None
    assert a.high is not None
    assert a.low < 0.5 < a.high
    none = rows["c", "a"]
    assert (none.tail, none.share, none.low, none.lift) == (0, None, None, None)


def test_lift_is_how_often_the_tail_fails_elsewhere_too_against_any_query() -> None:
    """Two of four against three of eight; without a tail elsewhere there is none."""
    rows = {(each.index, each.other): each for each in overlap_of(["a", "b", "c"], TAILS)}
    assert rows["a", "b"].lift == pytest.approx((2 / 4) / (3 / 8))
    assert rows["a", "c"].lift is None


def test_queries_in_some_tail_and_in_every_one() -> None:
    """Counted over all settings."""
    found = everywhere_of(TAILS[:2])
    assert (found.some, found.every) == (5, 2)
