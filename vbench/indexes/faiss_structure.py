"""What an index of faiss is made of inside: the graph of HNSW and NSG, the lists of an IVF."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from vbench.indexes.protocol import Graph


def graph_of(index: Any) -> Graph | None:
    """The graph over the base vectors, or None where there is none."""
    inner = _searched(index)
    if isinstance(inner, faiss.IndexHNSW) and inner.ntotal:
        return _hnsw(inner.hnsw, inner.ntotal)
    if isinstance(inner, faiss.IndexNSG) and inner.is_built:
        links = inner.nsg.get_final_graph()
        flat = faiss.rev_swig_ptr(links.data, links.N * links.K)
        neighbors = flat.reshape(links.N, links.K).astype(np.int32)
        return Graph(neighbors, np.array([inner.nsg.enterpoint], dtype=np.int64))
    return None


def lists_of(index: Any) -> NDArray[np.int32] | None:
    """The number of the list that each base vector lies in, (n,), or None where there are none."""
    inner = _searched(index)
    if not isinstance(inner, faiss.IndexIVF):
        return None
    numbers = np.full(inner.ntotal, -1, dtype=np.int32)
    stored = inner.invlists
    for number in range(stored.nlist):
        size = stored.list_size(number)
        if size:
            numbers[faiss.rev_swig_ptr(stored.get_ids(number), size)] = number
    return numbers


def _searched(index: Any) -> Any:
    """The index that a search goes through first, inside refinements and transforms."""
    inner = faiss.downcast_index(index)
    while True:
        wrapped = next(
            (
                part
                for part in (getattr(inner, name, None) for name in ("index", "base_index"))
                if isinstance(part, faiss.Index)
            ),
            None,
        )
        if wrapped is None:
            return inner
        inner = faiss.downcast_index(wrapped)


def _hnsw(hnsw: Any, n: int) -> Graph:
    """Level 0. A search comes to it from a vector of the levels above, or starts there."""
    offsets = faiss.vector_to_array(hnsw.offsets).astype(np.int64)
    links = faiss.vector_to_array(hnsw.neighbors)
    width = hnsw.nb_neighbors(0)
    neighbors = links[offsets[:n, np.newaxis] + np.arange(width)]
    above = np.flatnonzero(faiss.vector_to_array(hnsw.levels)[:n] > 1)
    return Graph(neighbors, np.union1d(above, [hnsw.entry_point]))
