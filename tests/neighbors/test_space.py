"""The score of each metric, and float64 distances of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.errors import DataError
from vbench.metric import METRICS, distance
from vbench.neighbors import space as module
from vbench.neighbors.euclidean import euclidean, largest_norm
from vbench.neighbors.space import ScoreSpace, neighbor_distances, pair_distances


@pytest.fixture
def vectors():
    rng = np.random.default_rng(11)
    return (rng.standard_normal((n, 5)).astype(np.float32) + 2 for n in (4, 30))


@pytest.mark.parametrize("metric", METRICS)
def test_scores_stand_for_distances(vectors, metric):
    """Between the bounds of its distance; h − score is half of the squared Euclidean distance."""
    queries, base = vectors
    space = ScoreSpace(queries, base, metric)
    rows, _ = space.rows(base, np.float64, 0)
    scores = space.wide @ rows.T
    far = distance(queries[:, None], base[None], metric)
    for query in range(len(queries)):
        low, high = space.scores(np.full(len(base), query), far[query])
        np.testing.assert_array_less(low, scores[query] + 1e-12)
        np.testing.assert_array_less(scores[query] - 1e-12, high)
    longest = largest_norm(base)
    halves = space.half_squares(longest)[:, np.newaxis] - scores
    wanted = euclidean(far, queries, metric, longest)
    np.testing.assert_allclose(np.sqrt(2 * halves), wanted, rtol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_distances_of_pairs_in_any_number_of_steps(vectors, monkeypatch, metric):
    """Those of the definition; behind the end of a row of neighbors they are infinite."""
    queries, base = vectors
    monkeypatch.setattr(module, "_PAIR_BYTES", 200)
    rows, ids = np.array([0, 3, 3, 1, 2, 0, 1]), np.array([7, 7, 0, 29, 1, 2, 3])
    wanted = distance(queries[rows], base[ids], metric)
    np.testing.assert_array_equal(pair_distances(queries, base, rows, ids, metric), wanted)
    found = neighbor_distances(queries, base, np.array([[7, -1], [1, 2], [0, 0], [5, -1]]), metric)
    assert found[0, 0] == wanted[0]
    assert np.isinf(found).tolist() == [[False, True], [False] * 2, [False] * 2, [False, True]]


def test_a_query_without_direction_is_refused(vectors):
    """By its number among all, not among those at hand."""
    queries, base = vectors
    queries[2] = 0
    with pytest.raises(DataError, match="queries, row 102: the vector is zero"):
        ScoreSpace(queries, base, "cosine", first=100)
