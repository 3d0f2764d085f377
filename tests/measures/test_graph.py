"""What a graph cannot reach, against plain walks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.indexes.protocol import Graph
from vbench.measures.graph import in_degrees, kinds, lists_per_query, reachable, shape, share_of


@st.composite
def graphs(draw):
    """Small graphs with pads and one or two entries."""
    n = draw(st.integers(1, 9))
    degree = draw(st.integers(0, 4))
    rows = [
        draw(st.lists(st.integers(-1, n - 1), min_size=degree, max_size=degree)) for _ in range(n)
    ]
    entries = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=2))
    return Graph(np.array(rows, dtype=np.int32).reshape(n, degree), np.array(entries))


@settings(deadline=None)
@given(graphs())
def test_reachable_is_what_a_walk_finds(graph):
    """A plain walk from the entries finds the same vectors."""
    seen = set(graph.entries.tolist())
    waiting = list(seen)
    while waiting:
        for other in graph.neighbors[waiting.pop()].tolist():
            if other >= 0 and other not in seen:
                seen.add(other)
                waiting.append(other)
    assert set(np.flatnonzero(reachable(graph)).tolist()) == seen


@settings(deadline=None)
@given(graphs())
def test_in_degrees_are_counted_lists(graph):
    """How often each vector stands in the lists, pads aside."""
    flat = graph.neighbors.ravel().tolist()
    assert in_degrees(graph).tolist() == [flat.count(i) for i in range(len(graph.neighbors))]


def test_shape_of_a_star():
    """All point to the first, which points to the second; the rest stand in no list."""
    neighbors = np.zeros((5, 1), dtype=int)
    neighbors[0] = 1
    found = shape(Graph(neighbors, np.array([3])))
    assert found.reachable == 3 / 5
    assert found.orphans == 3 / 5
    assert found.in_degree.tolist() == [0, 0, 0, 1, 4]
    assert found.out_degree == 1.0


def test_missed_neighbors_by_kind():
    """Shares among the missed are of the ids given, twice where they are given twice."""
    rng = np.random.default_rng(1)
    neighbors = rng.integers(10, 190, size=(200, 6))
    neighbors[:, 0] = 7
    found = kinds(Graph(neighbors, np.array([50])))
    assert np.flatnonzero(found.hub)[0] == 7
    assert found.unreachable[:7].all()
    assert found.anti_hub[:7].all()
    missed = share_of(found, [[7, 3], [3, -1]])
    assert missed.unreachable == pytest.approx(2 / 3)
    assert missed.anti_hub == pytest.approx(2 / 3)
    assert missed.hub == pytest.approx(1 / 3)
    assert share_of(found).unreachable == found.unreachable.mean()


def test_ring_has_neither_hubs_nor_anti_hubs():
    """Where every vector stands in as many lists as any other, none stands out."""
    ring = (np.arange(100) + 1) % 100
    found = kinds(Graph(ring[:, np.newaxis], np.array([0])))
    assert not found.hub.any()
    assert not found.anti_hub.any()
    assert not found.unreachable.any()


def test_nothing_missed_has_no_share():
    """Without a missed neighbor there is no share of them."""
    found = kinds(Graph(np.array([[0]]), np.array([0])))
    assert all(map(math.isnan, share_of(found, [])))
    assert all(map(math.isnan, share_of(found, [-1])))


def test_lists_per_query():
    """Neighbors of one list count once."""
    lists = np.array([0, 0, 5, 5, 9])
    truth = np.array([[0, 1, 2], [0, 2, 4], [3, 2, 3]])
    assert lists_per_query(lists, truth).tolist() == [2, 3, 1]


@pytest.mark.parametrize(
    "graph",
    [
        Graph(np.zeros((0, 2), dtype=int), np.array([0])),
        Graph(np.zeros(3, dtype=int), np.array([0])),
        Graph(np.array([[1]]), np.array([0])),
        Graph(np.array([[0]]), np.array([1])),
        Graph(np.array([[0]]), np.array([], dtype=int)),
    ],
)
def test_what_is_no_graph_is_refused(graph):
    """Lists that lead outside, or no way in, are refused in words."""
    with pytest.raises(VbenchError):
        shape(graph)
