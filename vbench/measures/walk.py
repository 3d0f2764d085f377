"""Searches of a graph that count what they compare: one searcher for every graph.

Engines count their work in ways of their own, or not at all. Here any graph is searched by the same
best-first walk, many queries at a time, so that two graphs can be compared at equal work.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.protocol import Graph
from vbench.metric import FloatArray

Ids = NDArray[np.integer[Any]]
STARTS = 64
"""Vectors at which a walk may start; the nearest of them is where it does."""
_BLOCK = 512
"""Queries at a time, each with a mark for every base vector."""


class Walked(NamedTuple):
    """What walks found: ids (m, k), −1 where there are fewer; distances computed (m,)."""

    ids: Ids
    work: FloatArray


class Walkable(NamedTuple):
    """A graph with what it is searched in.

    Attributes
    ----------
    base : float32 (n, d)
        In the space of the graph, normalized for `cosine`.
    order
        `l2` or `ip`.
    hidden
        How many of the last vectors are passed, and never answered with.
    """

    neighbors: Ids
    starts: Ids
    base: NDArray[np.float32]
    order: Literal["l2", "ip"]
    hidden: int = 0

    @classmethod
    def of(cls, graph: Graph, base: NDArray[np.float32], order: Literal["l2", "ip"]) -> Walkable:
        """A graph of an index, entered where that is."""
        entries = np.unique(graph.entries)
        drawn = np.random.default_rng(0).permutation(entries)[:STARTS]
        return cls(graph.neighbors, np.sort(drawn), base, order)


def walk(graph: Walkable, queries: NDArray[np.float32], ef: int, k: int) -> Walked:
    """The k nearest that a best-first walk keeping `ef` candidates finds, and its work.

    `queries` (m, d) are in the space of the graph.
    """
    ef = max(ef, k)
    half = 0.5 * np.einsum("nd,nd->n", graph.base, graph.base) if graph.order == "l2" else None
    parts = [
        _walk(graph, half, queries[first : first + _BLOCK], ef, k)
        for first in range(0, len(queries), _BLOCK)
    ]
    ids, work = zip(*parts, strict=True)
    return Walked(np.concatenate(ids), np.concatenate(work))


def _walk(
    graph: Walkable, half: FloatArray | None, queries: NDArray[np.float32], ef: int, k: int
) -> Walked:
    m, n = len(queries), len(graph.base)
    rows = np.arange(m)
    seen = np.zeros((m, n), dtype=bool)
    seen[:, graph.starts] = True

    def far(which: NDArray[np.intp], ids: Ids) -> NDArray[np.float32]:
        """Distances that order as those of the space do."""
        dots = np.einsum("pd,pd->p", queries[which], graph.base[ids])
        return np.asarray(-dots if half is None else half[ids] - dots, dtype=np.float32)

    begin = np.repeat(graph.starts[np.newaxis], m, axis=0)
    first = far(np.repeat(rows, begin.shape[1]), begin.ravel()).reshape(begin.shape)
    nearest = first.argmin(axis=1)
    ids = np.full((m, ef), -1, dtype=np.int64)
    distances = np.full((m, ef), np.inf, dtype=np.float32)
    ids[:, 0], distances[:, 0] = begin[rows, nearest], first[rows, nearest]
    # Vectors that were only compared as a start may be met again on the way.
    seen[:, graph.starts] = False
    seen[rows, ids[:, 0]] = True
    done = np.zeros((m, ef), dtype=bool)
    work = np.full(m, float(begin.shape[1]))
    active = rows
    while len(active):
        ahead = np.where(done[active], np.inf, distances[active])
        place = ahead.argmin(axis=1)
        going = np.isfinite(ahead[np.arange(len(active)), place])
        active, place = active[going], place[going]
        if not len(active):
            break
        done[active, place] = True
        links = graph.neighbors[ids[active, place]]
        new = (links >= 0) & ~seen[active[:, np.newaxis], links]
        which, column = np.nonzero(new)
        met, of = links[which, column], active[which]
        seen[of, met] = True
        work += np.bincount(of, minlength=m)
        fresh = np.full(links.shape, np.inf, dtype=np.float32)
        fresh[which, column] = far(of, met)
        both = np.concatenate([distances[active], fresh], axis=1)
        kept = np.argpartition(both, ef - 1, axis=1)[:, :ef]
        everything = np.concatenate([ids[active], np.where(new, links, -1)], axis=1)
        marks = np.concatenate([done[active], ~new], axis=1)
        distances[active] = np.take_along_axis(both, kept, axis=1)
        ids[active] = np.take_along_axis(everything, kept, axis=1)
        done[active] = np.take_along_axis(marks, kept, axis=1)
    distances[(ids < 0) | (ids >= n - graph.hidden)] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(ids, order, axis=1)
    found[np.isinf(np.take_along_axis(distances, order, axis=1))] = -1
    return Walked(found, work)
