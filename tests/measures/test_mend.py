"""Changes of a graph: which links there are after them."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.indexes.hnsw import Hnsw
from vbench.indexes.protocol import Graph
from vbench.measures.escape import escape_hardness
from vbench.measures.mend import MORE, add_queries, join_neighbors, link_to, orphans_of, reinsert
from vbench.measures.walk import Walkable, walk


def links_of(graph: Walkable) -> list[set[int]]:
    return [{*row[row >= 0].tolist()} for row in graph.neighbors]


def made(seed: int = 0, n: int = 200, degree: int = 6) -> Walkable:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 5)).astype(np.float32)
    links = rng.integers(0, n // 2, size=(n, degree))
    links[rng.random(links.shape) < 0.2] = -1
    return Walkable(links, np.array([0]), base, "l2")


def nearest_of(graph: Walkable, rows: np.ndarray, count: int) -> np.ndarray:
    far = ((graph.base[rows][:, np.newaxis] - graph.base) ** 2).sum(axis=2)
    far[np.arange(len(rows)), rows] = np.inf
    return np.argsort(far, axis=1)[:, :count]


def test_items_without_in_links_are_linked_from_their_nearest() -> None:
    """Each of the nearest leads to them, and nothing else changes."""
    graph = made()
    lost = orphans_of(graph)
    assert len(lost) > 50
    near = nearest_of(graph, lost, 20)
    before, after = links_of(graph), links_of(link_to(graph, lost, near))
    wanted = [set(each) for each in before]
    for item, others in zip(lost.tolist(), near[:, :MORE].tolist(), strict=True):
        for other in others:
            wanted[other].add(item)
    assert after == wanted
    assert len(orphans_of(link_to(graph, lost, near))) == 0


def test_inserting_again_chooses_links_as_hnsw_does() -> None:
    """Lists stay as long, and a chosen neighbor is nearer to the item than to those before it."""
    graph = made()
    lost = orphans_of(graph)
    near = nearest_of(graph, lost, 20)
    found = reinsert(graph, lost, near)
    assert found.neighbors.shape[1] <= graph.neighbors.shape[1]
    assert len(orphans_of(found)) < len(lost)
    base = graph.base.astype(np.float64)
    item = int(lost[-1])
    chosen = [int(each) for each in found.neighbors[item] if each >= 0]
    for place, each in enumerate(chosen):
        own = ((base[item] - base[each]) ** 2).sum()
        assert all(own <= ((base[other] - base[each]) ** 2).sum() for other in chosen[:place])


def test_joined_neighbors_escape_no_more() -> None:
    """After it the true neighbors of each past query are connected around it."""
    graph = made(degree=2)
    queries = np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)
    far = ((queries[:, np.newaxis] - graph.base) ** 2).sum(axis=2)
    near = np.argsort(far, axis=1)[:, :40]
    found = join_neighbors(graph, near, 10, most=1_000)
    hard = [
        escape_hardness(Graph(each.neighbors, each.starts), near, 10) for each in (graph, found)
    ]
    assert hard[0].mean() > 0.5
    assert not hard[1].any()
    before, after = links_of(graph), links_of(found)
    assert all(a <= b for a, b in zip(before, after, strict=True))
    # No more than a tree needs for each query, both ways.
    added = sum(map(len, after)) - sum(map(len, before))
    assert added <= 30 * 2 * 9
    # A graph that needs none is left as it is.
    assert links_of(join_neighbors(found, near, 10)) == after
    few = links_of(join_neighbors(graph, near, 10, most=2))
    assert max(len(b - a) for a, b in zip(before, few, strict=True)) <= 2


def test_queries_become_vectors_that_are_never_answered() -> None:
    """They lead to their nearest and back, and answers hold base vectors alone."""
    graph = made()
    queries = np.random.default_rng(2).normal(size=(20, 5)).astype(np.float32)
    far = ((queries[:, np.newaxis] - graph.base) ** 2).sum(axis=2)
    near = np.argsort(far, axis=1)[:, :10]
    larger = add_queries(graph, queries, near)
    links = links_of(larger)
    assert all(links[200 + row] == {*near[row].tolist()} for row in range(20))
    assert all(200 + row in links[other] for row in range(20) for other in near[row].tolist())
    assert walk(larger, queries, 30, 10).ids.max() < 200


@pytest.mark.slow
def test_what_does_not_work() -> None:
    """Queries as vectors and inserting all again gain nothing at equal work, whatever at equal ef.

    Of clustered vectors and queries that lie apart from them, as those of two towers do.
    """
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(60, 24))
    base = (centers[rng.integers(0, 60, 12_000)] + 0.6 * rng.normal(size=(12_000, 24))).astype("f4")
    asked = rng.normal(size=(4_000, 24)).astype("f4")
    past, held = asked[:3_000], asked[3_000:]

    def true_of(queries: np.ndarray) -> np.ndarray:
        squares = (base**2).sum(axis=1)
        return np.argsort(squares - 2 * queries @ base.T, axis=1)[:, :40]

    near, true = true_of(past), true_of(held)[:, :10]
    index = Hnsw(M=8, ef_construction=100)
    index.fit(base, "l2", seed=0, threads=1)
    graph = Walkable.of(index.neighbors(), base, "l2")

    def curve(graph: Walkable) -> tuple[np.ndarray, np.ndarray]:
        """Work and share of the queries at 0.9, for growing ef."""
        found = [walk(graph, held, ef, 10) for ef in (16, 24, 36, 54, 81, 120)]
        hits = [(x.ids[:, :, None] == true[:, None]).any(axis=2).sum(axis=1) for x in found]
        return np.array([x.work.mean() for x in found]), np.array([(h >= 9).mean() for h in hits])

    work, reached = curve(graph)
    with_queries = curve(add_queries(graph, past, near[:, :10]))
    assert with_queries[1][1] > reached[1] + 0.02  # splendid at equal ef
    at_work = np.interp(with_queries[0], work, reached, right=np.nan)
    gain = (with_queries[1] - at_work)[np.isfinite(at_work)]
    assert gain.max() < 0.02  # and at equal work nothing
    order = np.arange(len(base))
    squares = (base**2).sum(axis=1)
    candidates = np.concatenate(
        [
            np.argpartition(squares - 2 * base[part] @ base.T, 33, axis=1)[:, :33]
            for part in np.array_split(order, 24)
        ]
    )
    far = ((base[candidates] - base[:, np.newaxis]) ** 2).sum(axis=2)
    candidates = np.take_along_axis(candidates, np.argsort(far, axis=1), axis=1)[:, 1:]
    again = curve(reinsert(graph, order, candidates))
    at_work = np.interp(again[0], work, reached, right=np.nan)
    gain = (again[1] - at_work)[np.isfinite(at_work)]
    assert gain.max() < 0.02
    # What the neighbors of past queries lack, as links between them, does help at equal work.
    joined = curve(join_neighbors(graph, near, 10))
    at_work = np.interp(joined[0], work, reached, right=np.nan)
    assert np.nanmax(joined[1] - at_work) > 0.0
