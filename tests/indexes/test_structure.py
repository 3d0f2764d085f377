"""Graphs and lists that an index shows of itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order
from vectors import gaussian

from vbench.errors import MissingExtraError
from vbench.indexes.faiss_graph import FaissHnsw, FaissNsg
from vbench.indexes.faiss_ivf import IvfFlat, IvfPqFastScan
from vbench.indexes.flat import Flat
from vbench.indexes.hnsw import Hnsw
from vbench.indexes.library import check_installed
from vbench.indexes.protocol import Graph, Ids, Index
from vbench.indexes.registry import resolve
from vbench.metric import distance

BASE = gaussian(800, 6, seed=15)


def fitted(index: Index, *, threads: int = 1) -> Index:
    index.fit(BASE, "l2", seed=1, threads=threads)
    return index


def graph_of(index: Index) -> Graph:
    graph = index.neighbors()
    assert graph is not None
    assert len(graph.neighbors) == len(BASE)
    assert graph.neighbors.dtype.kind == graph.entries.dtype.kind == "i"
    return graph


@pytest.mark.parametrize(
    ("index", "width"),
    [(Hnsw(M=8), 16), (FaissHnsw(M=8), 16), (FaissNsg(R=16), 16)],
    ids=["hnswlib", "faiss-hnsw", "nsg"],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_graph_links_near_vectors_and_can_be_walked(
    index: Index, width: int, threads: int
) -> None:
    """Links are rows of the base, not to oneself, much nearer than chance, and reach all."""
    graph = graph_of(fitted(index, threads=threads))
    check_links(graph, width)
    assert reached(graph, graph.entries[:1]) == len(BASE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width"),
    [("diskann", 41), ("epzero", 32), ("glass", 32), ("pynndescent", 45), ("svs", 32)],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_graph_of_a_library_can_be_walked(name: str, width: int, threads: int) -> None:
    """As those of faiss, from all of its entries; some of these leave a few vectors out."""
    kind = resolve(name)
    try:
        check_installed(kind)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    index = fitted(kind(), threads=threads)
    graph = graph_of(index)
    check_links(graph, width)
    assert reached(graph, graph.entries) >= 0.98 * len(BASE)
    index.close()


def check_links(graph: Graph, width: int) -> None:
    """Links are rows of the base, not to oneself, much nearer than chance."""
    source, place = np.nonzero(graph.neighbors >= 0)
    target = graph.neighbors[source, place]
    degree = np.bincount(source, minlength=len(BASE))
    assert 1 <= degree.min() <= degree.max() <= width
    assert (source != target).all()
    linked = distance(BASE[source], BASE[target], "l2")
    chance = distance(
        BASE[source], BASE[np.random.default_rng(1).permutation(len(BASE))[target]], "l2"
    )
    assert np.median(linked) < 0.7 * np.median(chance)


def reached(graph: Graph, entries: Ids) -> int:
    """How many vectors a walk from the entries comes to."""
    source, place = np.nonzero(graph.neighbors >= 0)
    target = graph.neighbors[source, place]
    n = len(graph.neighbors)
    # All entries are led to from a vector that does not exist.
    source = np.append(source, np.full(len(entries), n))
    target = np.append(target, entries)
    matrix = csr_array((np.ones(len(source)), (source, target)), shape=(n + 1, n + 1))
    return len(breadth_first_order(matrix, n)[0]) - 1


def test_lists_are_the_cells_that_are_probed() -> None:
    """With one probe, a query finds vectors of one list alone: that of the nearest."""
    index = fitted(IvfFlat(nlist=10))
    lists = index.lists()
    assert lists is not None
    assert lists.dtype == np.int32
    assert set(lists) == set(range(10))
    index.set(nprobe=1)
    for row, ids in enumerate(index.search(BASE[:50], 5)):
        assert set(lists[ids[ids >= 0]]) == {lists[row]}


def test_lists_are_found_inside_a_refinement() -> None:
    """Each base vector is in one."""
    lists = fitted(IvfPqFastScan(nlist=8)).lists()
    assert lists is not None
    assert lists.shape == (len(BASE),)
    assert lists.min() >= 0


@pytest.mark.slow
def test_lists_of_rabitq_are_the_cells_that_are_probed() -> None:
    """With one probe, a query finds vectors of one list alone, padded where it is short."""
    kind = resolve("rabitq-ivf")
    try:
        check_installed(kind)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    index = fitted(kind(nlist=40))
    lists = index.lists()
    assert lists is not None
    assert set(lists) <= set(range(40))
    index.set(nprobe=1)
    found = index.search(BASE[:50], 30)
    for row, ids in enumerate(found):
        assert set(lists[ids[ids >= 0]]) == {lists[row]}
    assert (found[:, -1] < 0).any()


def test_what_an_index_does_not_have_is_none() -> None:
    """Neither graph nor lists in exact search; no graph in lists, no lists in a graph."""
    flat = fitted(Flat())
    assert flat.neighbors() is None
    assert flat.lists() is None
    assert fitted(IvfFlat(nlist=4)).neighbors() is None
    assert fitted(FaissHnsw()).lists() is None
