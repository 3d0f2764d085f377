"""What may be among the k nearest: bounds, the floor, and the proof that they hold."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.neighbors import candidates
from vbench.neighbors.candidates import Candidates
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import ScoreSpace


def test_the_example_of_the_docstring(monkeypatch):
    """Five rows, k = 2, an error of 0.1 and room for three candidates."""
    monkeypatch.setattr(candidates, "capacity", lambda k: 3)
    monkeypatch.setattr(ScoreSpace, "error", lambda *_: np.full(1, 0.1))
    base = np.float32([[5.0], [4.0], [3.95], [3.7], [4.3]])
    space = ScoreSpace(np.ones((1, 1), np.float32), base, "ip")
    found = Candidates(space, slice(0, 1), 2, None)
    state = []
    for first, stop in ((0, 3), (3, 4), (4, 5)):
        found.add(first, *space.rows(base[first:stop], np.float32, first))
        state.append((round(float(found.floor[0]), 6), found.ids[0].tolist()))
    assert state == [(-np.inf, [0, 1, 2]), (3.9, [0, 1, 2]), (4.2, [0, 4, -1])]
    ids, distances = found.finish()
    assert ids.tolist() == [[0, 4]]
    np.testing.assert_allclose(distances, [[-5.0, -4.3]], rtol=1e-6)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_an_error_that_is_too_small_is_noticed(monkeypatch, metric):
    """The proof fails where a float32 score is trusted more than it can be."""
    rng = np.random.default_rng(1)
    base, queries = (rng.standard_normal((n, 40)).astype(np.float32) for n in (600, 5))
    nearest(queries, base, metric, 10)
    monkeypatch.setattr(ScoreSpace, "error", lambda self, part, *_: np.zeros(len(self.norms[part])))
    with pytest.raises(AssertionError, match=r"bound is (above|under) the exact score"):
        nearest(queries, base, metric, 10)


def test_a_limit_is_a_floor():
    """What is farther than the limit is not taken in; what is as far as it may be."""
    base = np.arange(10, dtype=np.float32)[:, np.newaxis]
    ids, _ = nearest(base[:1], base, "l2", 5, limit=np.array([3.0]))
    assert ids.tolist() == [[0, 1, 2, 3, -1]]
