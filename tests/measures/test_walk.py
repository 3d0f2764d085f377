"""Walks of a graph, against a plain best-first search that counts by hand."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from vbench.indexes.hnsw import Hnsw
from vbench.indexes.protocol import Graph
from vbench.measures.walk import STARTS, Walkable, walk


def plain(graph: Walkable, query: np.ndarray, ef: int, k: int) -> tuple[list[int], int]:
    """Ids and distances computed, one query at a time."""
    base = graph.base.astype(np.float64)

    def far(row: int) -> float:
        if graph.order == "ip":
            return -float(base[row] @ query)
        return float(((base[row] - query) ** 2).sum())

    work = len(graph.starts)
    first = min(graph.starts.tolist(), key=far)
    seen, waiting, best = {first}, [(far(first), first)], [(-far(first), first)]
    while waiting:
        distance, row = heapq.heappop(waiting)
        if len(best) == ef and distance > -best[0][0]:
            break
        for other in graph.neighbors[row].tolist():
            if other < 0 or other in seen:
                continue
            seen.add(other)
            work += 1
            if len(best) < ef or far(other) < -best[0][0]:
                heapq.heappush(waiting, (far(other), other))
                heapq.heappush(best, (-far(other), other))
                if len(best) > ef:
                    heapq.heappop(best)
    shown = sorted(((-d, row) for d, row in best if row < len(base) - graph.hidden))
    return [row for _, row in shown][:k], work


@pytest.mark.parametrize("order", ["l2", "ip"])
@pytest.mark.parametrize("hidden", [0, 40])
def test_a_walk_is_a_best_first_search(order: str, hidden: int) -> None:
    """The same ids for as many distances, query by query."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 6)).astype(np.float32)
    queries = rng.normal(size=(25, 6)).astype(np.float32)
    links = rng.integers(-1, 300, size=(300, 7))
    links = np.array([[*dict.fromkeys(row), *([-1] * 7)][:7] for row in links.tolist()])
    graph = Walkable(links, np.array([3, 70, 150]), base, order, hidden)
    for ef in (5, 20):
        found = walk(graph, queries, ef, 5)
        for row, query in enumerate(queries.astype(np.float64)):
            ids, work = plain(graph, query, ef, 5)
            assert found.ids[row].tolist() == [*ids, *([-1] * (5 - len(ids)))]
            assert found.work[row] == work


def test_a_walk_finds_what_hnswlib_finds() -> None:
    """In the graph of an engine, as good at the same width."""
    rng = np.random.default_rng(1)
    base = rng.normal(size=(3_000, 10)).astype(np.float32)
    queries = rng.normal(size=(200, 10)).astype(np.float32)
    index = Hnsw(M=6, ef_construction=40)
    index.fit(base, "l2", seed=0, threads=1)
    index.set(ef=20)
    graph = Walkable.of(index.neighbors(), base, "l2")
    assert len(graph.starts) == STARTS
    far = ((queries[:, np.newaxis] - base) ** 2).sum(axis=2)
    true = np.argsort(far, axis=1)[:, :10]

    def recall(ids: np.ndarray) -> float:
        return float((ids[:, :, np.newaxis] == true[:, np.newaxis]).any(axis=2).mean())

    assert recall(walk(graph, queries, 20, 10).ids) == pytest.approx(
        recall(index.search(queries, 10)), abs=0.02
    )


def test_where_nothing_leads_on_rows_are_short() -> None:
    """A start without links is all that is found."""
    base = np.eye(4, dtype=np.float32)
    graph = Walkable.of(Graph(np.full((4, 2), -1), np.array([2])), base, "l2")
    assert walk(graph, base[:2], 3, 3).ids.tolist() == [[2, -1, -1]] * 2
