"""Changes of a graph that is there: links that the queries that it fails may need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.protocol import Graph
from vbench.measures.escape import SURROUNDINGS, escape
from vbench.measures.graph import in_degrees
from vbench.measures.walk import Walkable

Ids = NDArray[np.integer[Any]]

MORE = 8
"""In-links that an item without any is given."""
_DEGREE = 16
"""Links that a vector is inserted with."""


def orphans_of(graph: Walkable) -> Ids:
    """Base vectors that no other one leads to."""
    return np.flatnonzero(in_degrees(Graph(graph.neighbors, graph.starts)) == 0)


def reinsert(graph: Walkable, items: Ids, near: Ids) -> Walkable:
    """Insert vectors anew as HNSW does: links chosen by its heuristic, and back, pruned by it.

    Parameters
    ----------
    items : integer (a,)
    near : integer (a, c)
        Candidates of each, nearest first, itself not among them.
    """
    width = graph.neighbors.shape[1]
    lists = [row[row >= 0].tolist() for row in graph.neighbors]
    for item, candidates in zip(items.tolist(), near.tolist(), strict=True):
        chosen = _select(graph, item, candidates, min(_DEGREE, width))
        lists[item] = chosen
        for other in chosen:
            if item in lists[other]:
                continue
            linked = [*lists[other], item]
            if len(linked) > width:
                linked = _select(graph, other, _sorted(graph, other, linked), width)
            lists[other] = linked
    return graph._replace(neighbors=_padded(lists))


def link_to(graph: Walkable, items: Ids, near: Ids) -> Walkable:
    """Let the `MORE` nearest of each item lead to it, whatever else they lead to.

    Lists so grow, and a search compares more.
    """
    sources = near[:, :MORE].ravel()
    return _with_links(graph, sources, np.repeat(items, near[:, :MORE].shape[1]))


def join_neighbors(graph: Walkable, near: Ids, k: int, most: int = MORE) -> Walkable:
    """Join the true neighbors of queries where the graph around them does not (after NGFix).

    For each query, pairs by rising distance: where one is not reached from the other inside the 40
    nearest, both lead to each other from then on. No vector gets more than `most` new links: hubs
    would make every search compare more.

    Parameters
    ----------
    near : integer (m, S)
        Nearest base vectors of past queries.
    """
    near = near[:, :SURROUNDINGS]
    found = escape(Graph(graph.neighbors, graph.starts), near, k)
    apart = found == near.shape[1] + 1
    pairs: set[tuple[int, int]] = set()
    given = np.zeros(len(graph.neighbors), dtype=np.int64)
    for row in np.flatnonzero(apart.any(axis=(1, 2))):
        reach = ~apart[row]
        for j in range(1, k):
            for i in range(j):
                if reach[i, j] and reach[j, i]:
                    continue
                a, b = int(near[row, i]), int(near[row, j])
                if (a, b) not in pairs:
                    if max(given[a], given[b]) >= most:
                        continue
                    pairs |= {(a, b), (b, a)}
                    given[[a, b]] += 1
                # Who came to either now comes to what both came to.
                comes = reach[:, i] | reach[:, j]
                reach |= np.outer(comes, reach[i] | reach[j])
    links = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return _with_links(graph, links[:, 0], links[:, 1])


def add_queries(graph: Walkable, queries: NDArray[np.float32], near: Ids) -> Walkable:
    """Past queries as vectors of the graph, which are passed and never answered with.

    Each leads to its nearest, and they to it.
    """
    n, count = len(graph.base), len(queries)
    lists = np.full((n + count, graph.neighbors.shape[1]), -1, dtype=np.int64)
    lists[:n] = graph.neighbors
    larger = graph._replace(
        neighbors=lists, base=np.concatenate([graph.base, queries]), hidden=count
    )
    nodes = np.repeat(np.arange(n, n + count), near.shape[1])
    there = near.ravel()
    return _with_links(larger, np.concatenate([nodes, there]), np.concatenate([there, nodes]))


def _select(graph: Walkable, item: int, candidates: list[int], count: int) -> list[int]:
    """HNSW's choice: who is nearer to the item than to any that is chosen already."""
    rows = graph.base[[item, *candidates]]
    chosen: list[int] = []
    if graph.order == "ip":
        between = -rows @ rows.T
    else:
        squares = np.einsum("nd,nd->n", rows, rows)
        between = squares[:, np.newaxis] + squares - 2 * rows @ rows.T
    for place in range(1, len(rows)):
        if len(chosen) == count:
            break
        if all(between[place, 0] < between[place, other] for other in chosen):
            chosen.append(place)
    return [candidates[place - 1] for place in chosen]


def _sorted(graph: Walkable, item: int, others: list[int]) -> list[int]:
    rows = graph.base[others]
    if graph.order == "ip":
        far = -(rows @ graph.base[item])
    else:
        far = ((rows - graph.base[item]) ** 2).sum(axis=1)
    return [others[place] for place in np.argsort(far, kind="stable")]


def _with_links(graph: Walkable, sources: Ids, targets: Ids) -> Walkable:
    """A graph in which each source leads to its target too."""
    wide = graph.neighbors
    fresh = (wide[sources] != targets[:, np.newaxis]).all(axis=1) & (sources != targets)
    pairs = np.unique(np.stack([sources[fresh], targets[fresh]], axis=1), axis=0)
    order = np.argsort(pairs[:, 0], kind="stable")
    pairs = pairs[order]
    counts = np.bincount(pairs[:, 0], minlength=len(wide))
    held = (wide >= 0).sum(axis=1)
    width = int((held + counts).max(initial=0))
    lists = np.full((len(wide), max(width, 1)), -1, dtype=np.int64)
    # Pads may stand anywhere in a list.
    packed = np.argsort(wide < 0, axis=1, kind="stable")
    lists[:, : wide.shape[1]] = np.take_along_axis(wide, packed, axis=1)[:, : lists.shape[1]]
    start = np.cumsum(counts) - counts
    place = held[pairs[:, 0]] + np.arange(len(pairs)) - start[pairs[:, 0]]
    lists[pairs[:, 0], place] = pairs[:, 1]
    return graph._replace(neighbors=lists)


def _padded(lists: list[list[int]]) -> NDArray[np.int64]:
    width = max(1, max(map(len, lists)))
    out = np.full((len(lists), width), -1, dtype=np.int64)
    for row, each in enumerate(lists):
        out[row, : len(each)] = each
    return out
