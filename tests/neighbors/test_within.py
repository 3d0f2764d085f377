"""Counts of base vectors within a distance, against all distances in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.metric import METRICS, Metric, distance
from vbench.neighbors.euclidean import euclidean, largest_norm
from vbench.neighbors.within import count_within


def all_distances(queries: np.ndarray, base: np.ndarray, metric: Metric) -> np.ndarray:
    """The definition: every distance in float64, Euclidean."""
    d = distance(queries[:, np.newaxis], base[np.newaxis], metric)
    return euclidean(d, queries, metric, largest_norm(base))


def check(queries: np.ndarray, base: np.ndarray, metric: Metric, limits: np.ndarray) -> None:
    found = count_within(queries, base, metric, limits, largest_norm(base), threads=2)
    d = all_distances(queries, base, metric)
    np.testing.assert_array_equal(found, (d <= limits[:, np.newaxis]).sum(axis=1))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(METRICS),
    st.sampled_from([np.float32, np.float16, np.int8, np.uint8]),
    st.sampled_from([0.0, 90.0]),
    st.integers(0, 2**32 - 1),
)
def test_the_border_itself_is_within(metric: Metric, dtype: type, offset: float, seed: int) -> None:
    """A limit that is the distance of a vector counts it and all that tie, in every type."""
    rng = np.random.default_rng(seed)
    low = 0 if dtype is np.uint8 else -3
    base = (rng.integers(low, 4, (150, 4)) + offset).astype(dtype)
    queries = (rng.integers(1, 4, (8, 4)) + offset).astype(dtype)
    d = all_distances(queries, base, metric)
    at = rng.integers(0, len(base), len(queries))
    # In float64 the same distance may differ in its last bit from one vector to the next.
    limits = d[np.arange(len(queries)), at]
    check(queries, base, metric, limits)
    check(queries, base, metric, np.nextafter(limits, -np.inf))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("scale", "asked"), [(1e-30, 1e-30), (1, 1), (1e18, 1e18), (1e25, 1e25), (2e14, 1e24)]
)
def test_numbers_beyond_float32s_products(metric: Metric, scale: float, asked: float) -> None:
    """Where float32 products overflow or vanish, float64 decides all."""
    rng = np.random.default_rng(1)
    base = (rng.standard_normal((3000, 30)) * scale).astype(np.float32)
    queries = (rng.standard_normal((5, 30)) * asked).astype(np.float32)
    limits = np.sort(all_distances(queries, base, metric), axis=1)[:, 40]
    check(queries, base, metric, limits)


def test_zero_rows_are_within_no_chord() -> None:
    """They have no direction: not even the whole circle, a chord of 2, holds them."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal((500, 5)).astype(np.float32)
    base[::5] = 0
    found = count_within(base[1:4], base, "cosine", np.full(3, 2.1))
    assert found.tolist() == [400] * 3


def test_copies_of_a_query_are_within_zero() -> None:
    """A limit of 0 counts the copies alone, in more than one tile and thread."""
    rng = np.random.default_rng(3)
    base = rng.standard_normal((5000, 7)).astype(np.float32)
    base[[17, 2500, 4999]] = base[4]
    found = count_within(base[[4, 5]], base, "l2", np.zeros(2), threads=2)
    assert found.tolist() == [4, 1]
