"""Places of returned ids, and which of them count where distances tie."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vbench.measures.answers import repeated
from vbench.measures.places import find_missed, find_places, list_places, weigh


def never(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    raise AssertionError("no distance had to be recomputed")


def hits(ids, truth_ids, distances, k, metric="l2", rule="exact-tie", distances_of=never):
    """Distinct ids that have a place, at most k."""
    arrays = (np.asarray(ids), np.asarray(truth_ids), np.asarray(distances, dtype=float))
    places = find_places(*arrays, k, metric, rule, distances_of)
    near = (places > 0) & ~repeated(arrays[0])
    return np.minimum(near.sum(axis=1), k).tolist()


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


def test_equal_distances_have_the_first_of_their_ranks() -> None:
    """Also behind the k-th, as far as they tie with it; without ties the places are the ranks."""
    distances = np.array([[1.0, 2.0, 2.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    assert list_places(distances, 3, "l2", "exact-tie").tolist() == [[1, 2, 2, 2], [1, 2, 3, 0]]
    assert list_places(distances, 3, "l2", "id").tolist() == [[1, 2, 3]] * 2
    assert list_places(distances[1:], 3, "l2", "exact-tie").tolist() == [[1, 2, 3]]


def test_a_tie_counts_as_often_as_it_has_ranks() -> None:
    """Each of them is worth the mean of these ranks; the exact list too."""
    places, listed = np.array([[2, 1, 2, 2]]), np.array([[1, 2, 2, 4]])
    worth = weigh(places, listed)
    assert worth.group.tolist() == [[2, 1, 2, 0]]
    assert worth.gain.tolist() == [[2.5, 4.0, 2.5, 0.0]]
    assert worth.ideal.tolist() == [[4.0, 2.5, 2.5, 1.0]]


def test_a_single_rank_at_the_end_of_the_list_counts_once() -> None:
    """Where the k-th ties only with ids behind it."""
    worth = weigh(np.array([[2, 2]]), list_places(np.array([[1.0, 2.0]]), 2, "l2", "id"))
    assert worth.counted.tolist() == [[True, False]]


def test_an_id_in_a_chain_of_near_ties_goes_with_its_neighbor() -> None:
    """Each within 1e-9 of the next, and the ends not of each other."""
    distances = np.array([[1.0, 1.0 + 8e-10, 1.0 + 16e-10]])
    listed = list_places(distances, 2, "l2", "exact-tie")
    assert listed.tolist() == [[1, 1, 2]]
    places = find_places(np.array([[0, 2]]), np.array([[0, 1, 2]]), distances, 2, "l2", "exact-tie")
    assert places.tolist() == [[1, 2]]
    assert weigh(places, listed[:, :2]).counted.all()


def test_what_is_missed_is_neither_returned_nor_replaced() -> None:
    """Of two that were not returned, one was replaced by a copy: the nearest of them."""
    listed, returned = np.array([[1, 2, 2, 2]]), np.array([[True, False, True, False]])
    worth = weigh(np.array([[1, 2, 2, 0]]), listed)
    assert find_missed(worth, listed, returned).tolist() == [[False, False, False, True]]
    plain = weigh(np.array([[1, 3, 0, 0]]), np.array([[1, 2, 3, 4]]))
    assert find_missed(plain, listed, returned).tolist() == [[False, True, False, True]]
