"""Hits: thresholds, repeated ids, pads, ties and the rules by name."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.measures.hits import count_hits, relevant, threshold


def never(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    raise AssertionError("no distance had to be recomputed")


def hits(ids, truth_ids, distances, k, metric="l2", rule="exact-tie", distances_of=never):
    arrays = (np.asarray(ids), np.asarray(truth_ids), np.asarray(distances, dtype=float))
    return count_hits(*arrays, k, metric, rule, distances_of).tolist()


@pytest.mark.parametrize("delta", [0.07, 0.14, 0.28, 0.55, 0.56])
def test_threshold_is_exact_where_floats_are_not(delta: float) -> None:
    """At K=100 a query with exactly δ·K hits passes, also where δ * K is more in floats."""
    assert threshold(delta, 100) == round(delta * 100)


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_threshold_is_the_ceiling_of_the_decimal(thousandths: int, k: int) -> None:
    """δ is the decimal that was written, for every δ and K."""
    delta = Decimal(thousandths) / 1000
    assert threshold(float(delta), k) == int((delta * k).to_integral_value(ROUND_CEILING))


def test_a_repeated_id_counts_once() -> None:
    """Ten copies of the nearest neighbor are one hit."""
    assert hits([[0] * 10], [range(20)], [range(20)], 10) == [1]


def test_pads_are_misses() -> None:
    """−1 hits nothing, and is not read as the last vector."""
    truth = [[9, *range(9), 10, 11]]
    assert hits([[9, *([-1] * 9)]], truth, [range(12)], 10) == [1]
    assert hits([[-1] * 10], truth, [range(12)], 10) == [0]


def test_an_exact_tie_with_the_kth_is_a_hit() -> None:
    """An id outside the top K hits when it is as near as the K-th."""
    distances = [[1.0, 2.0, 2.0, 3.0]]
    assert hits([[0, 2]], [[0, 1, 2, 3]], distances, 2) == [2]
    assert hits([[0, 2]], [[0, 1, 2, 3]], distances, 2, rule="id") == [1]
    assert hits([[0, 3]], [[0, 1, 2, 3]], distances, 2) == [1]


def test_hits_are_capped_at_k_among_many_ties() -> None:
    """More tied neighbors than places do not make more than K hits."""
    assert hits([[3, 2]], [[0, 1, 2, 3, 4]], [[1.0, 1.0, 1.0, 1.0, 2.0]], 2) == [2]


def test_ties_beyond_the_truth_are_recomputed() -> None:
    """Where the truth ends inside a tie, distances of unknown ids decide."""

    def distances_of(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        assert rows.tolist() == [0, 0]
        return np.where(ids == 77, 1.0, 1.5)

    assert hits([[77, 78]], [[0, 1, 2]], [[1.0, 1.0, 1.0]], 2, distances_of=distances_of) == [1]


def test_there_are_no_more_hits_than_k() -> None:
    """However many of the returned ids tie with the K-th neighbor."""
    assert hits([[0, 1, 2]], [[0, 1, 2]], [[1.0, 1.0, 1.0]], 2, distances_of=None) == [2]


def test_the_relative_tolerance_follows_the_similarity() -> None:
    """For `ip`, with distance −s, a tie is s ≥ s_K·(1 − 1e-9), also for negative s."""
    near, far = -5.0 * (1 - 5e-10), -5.0 * (1 - 2e-9)
    assert hits([[1]], [[0, 1, 2]], [[-5.0, near, 0.0]], 1, metric="ip") == [1]
    assert hits([[1]], [[0, 1, 2]], [[-5.0, far, 0.0]], 1, metric="ip") == [0]
    assert hits([[1]], [[0, 1, 2]], [[5.0, 5.0 + 2e-9, 6.0]], 1, metric="ip") == [1]


def test_the_rule_of_ann_benchmarks_hides_tails() -> None:
    """Within 1e-3 of the K-th distance counts there, and not under the default rule."""
    distances = [[0.1, 0.1005, 0.2]]
    assert hits([[1]], [[0, 1, 2]], distances, 1, rule="ann-benchmarks") == [1]
    assert hits([[1]], [[0, 1, 2]], distances, 1) == [0]


@given(st.integers(0, 2**32 - 1))
def test_hits_equal_set_intersection_without_ties(seed: int) -> None:
    """The blocked comparison is the size of an intersection of sets."""
    rng = np.random.default_rng(seed)
    m, k, depth = rng.integers(1, 30), rng.integers(1, 12), 24
    truth = np.stack([rng.permutation(60)[:depth] for _ in range(m)])
    ids = rng.integers(-1, 60, size=(m, k))
    expected = [
        len(set(row[row >= 0].tolist()) & set(exact[:k].tolist()))
        for row, exact in zip(ids, truth, strict=True)
    ]
    assert hits(ids, truth, np.tile(np.arange(depth), (m, 1)), k) == expected


def test_relevant_sees_only_the_reach() -> None:
    """Entries beyond a row's reach are not wanted."""
    found = relevant(np.array([[1, 2, 3]]), np.array([[3, 2]]), np.array([2]))
    assert found.tolist() == [[False, True, False]]
