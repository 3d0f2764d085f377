"""Effort, and what a perfect setting per query would save."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vbench.errors import VbenchError
from vbench.measures.effort import NEVER, effort, gain

tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 6), st.integers(1, 8)), elements=st.integers(0, 10)
)


@given(tables, st.integers(0, 10))
def test_effort_is_reached_and_kept(hits, need):
    """From its effort on, a query is served at every setting; one narrower, it is not."""
    for query, found in enumerate(effort(hits, need)):
        served = hits[:, query] >= need
        if found == NEVER:
            assert not served[-1]
        else:
            assert served[found:].all()
            assert found == 0 or not served[found - 1]


def test_a_dip_undoes_what_was_reached():
    """A query served at a narrow setting and lost at a wider one has the wider effort."""
    assert effort(np.array([[9], [10], [8], [9], [10]]), 9).tolist() == [3]
    assert effort(np.array([[9], [10], [8]]), 9).tolist() == [NEVER]


def test_gain_of_a_choice_per_query():
    """One setting must serve the hardest; a choice per query pays for each what it needs."""
    found = gain(np.array([0, 0, 0, 2]), [1.0, 2.0, 5.0])
    assert (found.setting, found.served, found.one, found.each) == (2, 1.0, 5.0, 2.0)
    assert found.factor == 2.5


def test_queries_never_served_cost_the_least():
    """What no setting serves is not searched for widely; one setting cannot know."""
    found = gain(np.array([0, NEVER, 1]), [1.0, 4.0, 9.0])
    assert found.setting == 1
    assert found.served == pytest.approx(2 / 3)
    assert found.each == pytest.approx((1.0 + 1.0 + 4.0) / 3)


def test_costs_of_each_query():
    """Costs may be given for each query at each setting."""
    found = gain(np.array([0, 1]), [[1.0, 3.0], [2.0, 6.0]])
    assert (found.one, found.each) == (4.0, 3.5)


def test_a_wider_setting_may_be_cheaper():
    """Among settings that serve as many, the cheapest is the one setting for all."""
    assert gain(np.array([0, 1]), [1.0, 3.0, 2.0]).setting == 2


def test_nothing_is_ever_served():
    """Where no query is served, one setting and a perfect choice are the cheapest setting."""
    found = gain(np.array([NEVER, NEVER]), [2.0, 1.0])
    assert (found.setting, found.served, found.factor) == (1, 0.0, 1.0)


def test_free_settings_have_no_factor():
    """Costs of nothing give no factor."""
    assert math.isnan(gain(np.array([0]), [0.0]).factor)


@given(tables, st.integers(0, 10), st.lists(st.floats(0.1, 10), min_size=6, max_size=6))
def test_costs_that_rise_make_a_perfect_choice_no_dearer(hits, need, costs):
    """With costs that rise with the setting, one setting for all never costs less."""
    price = np.sort(costs)[: len(hits)]
    found = gain(effort(hits, need), price)
    assert found.each <= found.one + 1e-9


@pytest.mark.parametrize(
    "call",
    [
        lambda: effort(np.zeros((0, 3), dtype=int), 1),
        lambda: effort(np.zeros(3, dtype=int), 1),
        lambda: gain(np.array([], dtype=int), [1.0]),
        lambda: gain(np.array([2]), [1.0, 2.0]),
        lambda: gain(np.array([0, 0]), np.ones((1, 3))),
    ],
)
def test_what_does_not_fit_is_refused(call):
    """Tables without settings and costs that are missing are refused in words."""
    with pytest.raises(VbenchError):
        call()
