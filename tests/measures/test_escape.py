"""Escape hardness, against walks inside the nearest vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.indexes.protocol import Graph
from vbench.measures.escape import escape, escape_hardness, hardness_in_graph


def walks(graph: Graph, start: int, allowed: set[int]) -> set[int]:
    """Where a walk inside some vectors comes to."""
    seen, waiting = {start}, [start]
    while waiting:
        for other in graph.neighbors[waiting.pop()].tolist():
            if other in allowed and other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def random_graph(rng: np.random.Generator, n: int, degree: int) -> Graph:
    return Graph(rng.integers(-1, n, size=(n, degree)).astype(np.int32), np.array([0]))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 8))
def test_escape_is_the_least_circle_that_joins_two(seed: int, degree: int, k: int) -> None:
    """EH(i → j) by its definition: a walk in the graph of the h nearest, for growing h."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 14, degree)
    ids = np.stack([rng.permutation(14)[:8] for _ in range(4)])
    found = escape(graph, ids, k)
    for row, near in enumerate(ids.tolist()):
        for i in range(k):
            for j in range(k):
                wanted = next(
                    (
                        h
                        for h in range(max(i, j) + 1, 9)
                        if near[j] in walks(graph, near[i], {*near[:h]})
                    ),
                    9,
                )
                assert found[row, i, j] == (0 if i == j else wanted)
    apart = [(each == 9).sum() / max(k * (k - 1), 1) for each in found]
    assert escape_hardness(graph, ids, k).tolist() == pytest.approx(apart)


def test_it_is_of_the_graph_and_not_of_its_numbering() -> None:
    """Renaming the base vectors changes nothing."""
    rng = np.random.default_rng(1)
    graph = random_graph(rng, 60, 3)
    ids = np.stack([rng.permutation(60)[:40] for _ in range(5)])
    names = rng.permutation(60)
    links = np.full_like(graph.neighbors, -1)
    links[names] = np.where(graph.neighbors < 0, -1, names[graph.neighbors])
    renamed = Graph(links, names[graph.entries])
    for name, each in hardness_in_graph(graph, ids, 10).items():
        assert np.array_equal(each, hardness_in_graph(renamed, names[ids], 10)[name]), name


def test_the_ends_are_a_clique_and_no_links() -> None:
    """All joined: 0. No links: 1. In-degrees are those of the true neighbors."""
    n = 12
    ids = np.stack([np.arange(n), np.arange(n)[::-1]])
    clique = Graph(np.tile(np.arange(n, dtype=np.int32), (n, 1)), np.array([0]))
    alone = Graph(np.full((n, 2), -1, dtype=np.int32), np.array([0]))
    found = hardness_in_graph(clique, ids, 5)
    assert found["escape_hardness"].tolist() == [0, 0]
    assert found["in_degree"].tolist() == [n, n]
    assert hardness_in_graph(alone, ids, 5)["escape_hardness"].tolist() == [1, 1]
    star = Graph(np.zeros((n, 1), dtype=np.int32), np.array([0]))
    assert hardness_in_graph(star, ids, 2)["in_degree"].tolist() == [n / 2, 0]


def test_pads_are_no_neighbors() -> None:
    """A query that has fewer true neighbors is judged by those that it has."""
    graph = Graph(np.array([[1], [0], [-1]], dtype=np.int32), np.array([0]))
    ids = np.array([[0, 1, -1], [0, 2, -1], [2, -1, -1], [-1, -1, -1]])
    assert escape_hardness(graph, ids, 3).tolist() == [0, 1, 0, 0]
    degrees = hardness_in_graph(graph, ids, 3)["in_degree"]
    assert degrees[:3].tolist() == [1, 0.5, 0]
    assert np.isnan(degrees[3])


def test_more_than_a_word_holds_is_refused() -> None:
    """Sixty-four are looked at, at most."""
    graph = Graph(np.zeros((70, 1), dtype=np.int32), np.array([0]))
    with pytest.raises(VbenchError, match="1 to 64"):
        escape(graph, np.arange(65)[np.newaxis], 10)
