"""Shares counted once say what a layout of each mask says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.stats.crossed import layout, variance_parts
from vbench.stats.shares import Shares, sort_builds

RECALL = st.integers(0, 4).map(lambda hits: hits / 4)


@st.composite
def recall_of_builds(draw: st.DrawFn) -> np.ndarray:
    builds, m = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    row = st.lists(RECALL, min_size=m, max_size=m)
    return np.array(draw(st.lists(row, min_size=builds, max_size=builds)), dtype=np.float64)


@given(recall_of_builds(), st.sampled_from([-np.inf, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0]))
def test_a_share_has_the_layout_of_its_mask(x: np.ndarray, value: float) -> None:
    """Every number of the layout is that of the mask itself, whatever ties and builds do."""
    found, expected = Shares(x).at_most(value), layout((x <= value).astype(np.float64))
    for name in ("mean", "build_means", "groups", "ms_builds", "ms_queries", "ms_both", "variance"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-12), name
    assert len(found.group_means) == len(expected.group_means)
    for one, other in zip(variance_parts(found), variance_parts(expected), strict=True):
        assert one == pytest.approx(other, abs=1e-12)


@given(recall_of_builds())
def test_values_are_those_that_occur(x: np.ndarray) -> None:
    """The values are the different ones of all builds, and the rows are ordered."""
    found = Shares(x)
    np.testing.assert_array_equal(found.values, np.unique(x))
    np.testing.assert_array_equal(found.rows, np.sort(x, axis=1))


@given(recall_of_builds())
def test_builds_are_sorted_for_each_query(x: np.ndarray) -> None:
    """Exchanging whole rows is a sort of each column; what is given stays."""
    before = x.copy()
    np.testing.assert_array_equal(np.stack(sort_builds(x)), np.sort(x, axis=0))
    np.testing.assert_array_equal(x, before)


def test_clusters_are_those_of_the_layout() -> None:
    """Queries of one cluster count together, as they do in a layout of the mask."""
    rng = np.random.default_rng(0)
    x, cluster = rng.integers(0, 5, (3, 40)) / 4, rng.integers(0, 9, 40)
    found = Shares(x, cluster).at_most(0.5)
    expected = layout((x <= 0.5).astype(np.float64), cluster)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
