"""Escape hardness: how badly the graph of one build connects the true neighbors of a query.

A search that has come near a query sees little but the vectors around it. Where the links among
those do not lead from one true neighbor to the next, it stays at those that it met first.
Source: Zhang et al., "NGFix", SIGMOD 2026, arXiv 2510.22316.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.indexes.protocol import Graph
from vbench.measures.graph import in_degrees
from vbench.metric import FloatArray

Ids = NDArray[np.integer[Any]]

SURROUNDINGS = 40
"""Nearest vectors of a query among which its true neighbors must be connected."""
NAMES = ("escape_hardness", "in_degree")
"""What :func:`hardness_in_graph` measures."""
_WORD = 64
_BLOCK = 1 << 12


def escape(graph: Graph, ids: Ids, k: int) -> NDArray[np.uint8]:
    """How many of the nearest vectors a search must see to come from one true neighbor to another.

    EH(i → j) is the least h such that the j-th nearest vector can be reached from the i-th inside
    the graph of the h nearest: at least max(i, j).

    Parameters
    ----------
    ids : integer (m, S), S ≤ 64
        The S nearest base vectors of each query, nearest first; −1 pads.
    k
        Of these the true neighbors.

    Returns
    -------
    uint8 (m, k, k)
        S + 1 where S do not suffice, 0 on the diagonal and where one of the two is a pad.
    """
    size = ids.shape[1]
    if not 0 < k <= size <= _WORD:
        raise VbenchError(f"escape hardness of {k} neighbors among {size}; give 1 to {_WORD}")
    found = np.empty((len(ids), k, k), dtype=np.uint8)
    for first in range(0, len(ids), _BLOCK):
        part = slice(first, first + _BLOCK)
        found[part] = _escape(graph, ids[part], k)
    return found


def _escape(graph: Graph, ids: Ids, k: int) -> NDArray[np.uint8]:
    size, there = ids.shape[1], ids >= 0
    # Bit j of entry i: whether the i-th of a query leads to its j-th.
    reach = np.zeros(ids.shape, dtype=np.uint64)
    for row, near in enumerate(ids):
        links = graph.neighbors[near]
        places = np.searchsorted(near, links, sorter=(order := np.argsort(near)))
        places = order[np.minimum(places, size - 1)]
        hit = (near[places] == links) & (links >= 0) & there[row][:, np.newaxis]
        bits = np.where(hit, np.uint64(1) << places.astype(np.uint64), np.uint64(0))
        reach[row] = np.bitwise_or.reduce(bits, axis=1)
    shifts = np.arange(size, dtype=np.uint64)
    found = np.full((len(ids), k, k), size + 1, dtype=np.uint8)
    for step in range(size):
        # Warshall: whoever reaches the step-th reaches what that one does.
        through = (reach >> shifts[step]) & np.uint64(1)
        reach |= np.where(through > 0, reach[:, step : step + 1], np.uint64(0))
        inner = min(step + 1, k)
        joined = ((reach[:, :inner, np.newaxis] >> shifts[:inner]) & np.uint64(1)) > 0
        inside = found[:, :inner, :inner]
        inside[joined & (inside > step + 1)] = step + 1
    pairs = there[:, :k, np.newaxis] & there[:, np.newaxis, :k]
    found[~pairs] = 0
    found[:, np.arange(k), np.arange(k)] = 0
    return found


def escape_hardness(graph: Graph, ids: Ids, k: int) -> FloatArray:
    """Share of the ordered pairs of true neighbors that are not connected inside the S nearest.

    float64 (m,), 0 for a query that has less than two; the arguments are those of :func:`escape`.
    """
    found = escape(graph, ids, k)
    here = np.minimum((ids[:, :k] >= 0).sum(axis=1), k)
    pairs = here * (here - 1)
    apart = (found == ids.shape[1] + 1).sum(axis=(1, 2))
    return np.asarray(np.where(pairs > 0, apart / np.maximum(pairs, 1), 0.0))


def hardness_in_graph(graph: Graph, ids: Ids, k: int) -> dict[str, FloatArray]:
    """The hardness of every query in the graph of one build, float64 (m,) by name.

    `escape_hardness` as above, and `in_degree`, the mean in-degree of the k true neighbors (NaN
    without one).

    Parameters
    ----------
    ids : integer (m, depth)
        The nearest base vectors of each query, nearest first; the first 40 are looked at.
    """
    near = ids[:, :SURROUNDINGS]
    true = near[:, :k]
    degrees = np.where(true >= 0, in_degrees(graph)[true], 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = degrees / (true >= 0).sum(axis=1)
    return dict(
        zip(NAMES, (escape_hardness(graph, near, min(k, near.shape[1])), mean), strict=True)
    )
