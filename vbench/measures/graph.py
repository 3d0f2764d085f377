"""Why an index misses: what its graph cannot reach, or how its lists scatter the neighbors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vbench.errors import VbenchError
from vbench.indexes.protocol import Graph
from vbench.metric import FloatArray

Ids = NDArray[np.integer[Any]]

HUB_SHARE = 0.01


class Shape(NamedTuple):
    """What a graph looks like from outside.

    Attributes
    ----------
    reachable
        Share of the base vectors that a walk from an entry can reach.
    orphans
        Share of the base vectors that have no in-links.
    in_degree : float64 (5,)
        Minimum, quartiles and maximum of the in-degree of a base vector.
    out_degree
        Mean number of links of a base vector.
    """

    reachable: float
    orphans: float
    in_degree: FloatArray
    out_degree: float


class Kinds(NamedTuple):
    """Which base vectors are hard to find, each bool (n,), or the share of them.

    Attributes
    ----------
    unreachable
        No walk from an entry leads there.
    hub
        Among the 1 % of the base that stand in most lists, ties included.
    anti_hub
        Among the 1 % of the base that stand in fewest lists, ties included.
    """

    unreachable: Any
    hub: Any
    anti_hub: Any


def in_degrees(graph: Graph) -> NDArray[np.int64]:
    """In how many lists each base vector stands, int64 (n,). Pads do not count."""
    _check(graph)
    targets = graph.neighbors.ravel()
    return np.bincount(targets[targets >= 0], minlength=len(graph.neighbors))


def reachable(graph: Graph) -> NDArray[np.bool_]:
    """Which base vectors a walk from any of the entries can reach, bool (n,)."""
    from scipy import sparse
    from scipy.sparse import csgraph

    _check(graph)
    n = len(graph.neighbors)
    entries = np.unique(graph.entries)
    # One more vector leads to all entries, and the walk starts there.
    kept = graph.neighbors >= 0
    targets = np.concatenate([graph.neighbors[kept], entries]).astype(np.int32)
    ends = np.concatenate([[0], kept.sum(axis=1).cumsum()])
    pointers = np.append(ends, len(targets))
    walk = sparse.csr_array(
        (np.ones(len(targets), dtype=np.int8), targets, pointers), shape=(n + 1, n + 1)
    )
    reached = np.zeros(n + 1, dtype=bool)
    reached[csgraph.breadth_first_order(walk, n, return_predecessors=False)] = True
    return reached[:n]


def shape(graph: Graph) -> Shape:
    """Reachability and degrees of a graph."""
    degrees = in_degrees(graph)
    return Shape(
        reachable=float(reachable(graph).mean()),
        orphans=float((degrees == 0).mean()),
        in_degree=np.quantile(degrees.astype(np.float64), [0.0, 0.25, 0.5, 0.75, 1.0]),
        out_degree=float(degrees.mean()),
    )


def kinds(graph: Graph) -> Kinds:
    """Which base vectors are unreachable, hubs and anti-hubs. One vector can be two of these."""
    degrees = in_degrees(graph)
    few, many = np.quantile(degrees, [HUB_SHARE, 1.0 - HUB_SHARE], method="nearest")
    return Kinds(
        unreachable=~reachable(graph),
        # Where all stand in equally many lists, none is a hub.
        hub=(degrees >= many) & (degrees > np.median(degrees)),
        anti_hub=(degrees <= few) & (degrees < np.median(degrees)),
    )


def share_of(kinds: Kinds, ids: ArrayLike | None = None) -> Kinds:
    """Share of each kind among some base vectors, such as the missed neighbors.

    Parameters
    ----------
    ids : integer (j,), optional
        Base ids; one that stands twice counts twice, negative ids are pads. Default: the base.

    Returns
    -------
    Kinds of float, NaN where no id is given
    """
    if ids is None:
        return Kinds(*(float(mask.mean()) for mask in kinds))
    chosen = np.asarray(ids).ravel()
    chosen = chosen[chosen >= 0].astype(np.int64)
    if chosen.size == 0:
        return Kinds(float("nan"), float("nan"), float("nan"))
    return Kinds(*(float(mask[chosen].mean()) for mask in kinds))


def lists_per_query(lists: Ids, truth_ids: Ids) -> NDArray[np.int64]:
    """In how many inverted lists the true neighbors of each query lie, int64 (m,).

    Parameters
    ----------
    lists : integer (n,)
        The list that holds each base vector.
    truth_ids : integer (m, k)
    """
    where = np.sort(np.asarray(lists)[truth_ids], axis=1)
    return np.asarray(1 + (np.diff(where, axis=1) != 0).sum(axis=1))


def _check(graph: Graph) -> None:
    neighbors, entries = graph
    if neighbors.ndim != 2 or len(neighbors) == 0 or len(entries) == 0:
        raise VbenchError(
            f"the index gave a graph of {neighbors.shape} neighbors and {len(entries)} entries: "
            "it takes (n, degree) and at least one entry"
        )
    n = len(neighbors)
    if neighbors.max(initial=-1) >= n or entries.min() < 0 or entries.max() >= n:
        raise VbenchError(f"the index gave a graph that leads outside its {n} vectors")
