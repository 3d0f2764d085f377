"""What every index of faiss shares: pointers kept ready, seeds, counters, size, files, insides."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.indexes.protocol import Filter, Graph, Ids, Index, Vectors
from vbench.metric import Metric

_DISTRIBUTIONS = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu12", "faiss-gpu-cu11", "faiss")
_METRIC_TYPES: dict[Metric, int] = {"l2": faiss.METRIC_L2, "ip": faiss.METRIC_INNER_PRODUCT}


def _distribution() -> str:
    """The distribution that faiss came in."""
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(PackageNotFoundError):
            version(name)
            return name
    return _DISTRIBUTIONS[0]


class FaissIndex(Index):
    """A faiss index. A subclass says how to make it, and takes its search parameters.

    The counters behind `work` are global to the process: one index at a time is counted.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "ip"})
    requires = (_distribution(),)
    license = "MIT"
    clients = "threads"

    def __init__(self) -> None:
        self.index: Any = None
        self._call: Any = None
        self._threads = 1
        self._search_parameters: dict[str, float] = {}
        self._selector: Any = None
        self._filtered: Any = None

    def make(self, n: int, d: int, metric_type: int) -> Any:
        """An empty faiss index for `n` vectors of `d` dimensions."""
        raise NotImplementedError

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        n, d = base.shape
        self._threads = threads
        faiss.omp_set_num_threads(threads)
        index = self.make(n, d, _METRIC_TYPES[metric])
        for part in parts(index):
            _take_seed(part, seed)
        if n:
            index.train(base)
            index.add(base)
        self._take(index)

    def use_threads(self, threads: int) -> None:
        self._threads = threads

    def configure(self, **parameters: float) -> None:
        """Keep search parameters under faiss's own names, and give them to the index."""
        self._search_parameters = parameters
        if self.index is not None:
            space = faiss.ParameterSpace()
            for name, value in parameters.items():
                try:
                    space.set_index_parameter(self.index, name, value)
                except RuntimeError:
                    kind = type(faiss.downcast_index(self.index)).__name__
                    raise VbenchError(f"{kind} of faiss does not take {name}={value}") from None
            self._filter()

    def allow(self, condition: Filter | None) -> None:
        bits = None if condition is None else np.packbits(condition.mask, bitorder="little")
        self._selector = None if bits is None else faiss.IDSelectorBitmap(bits)
        self._filter()

    def _filter(self) -> None:
        """Search parameters that hold the selector take the place of those of the index."""
        selector = self._selector
        self._filtered = None if selector is None else selecting(self.index, selector)

    def search(self, queries: Vectors, k: int) -> Ids:
        faiss.omp_set_num_threads(self._threads)
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        # Some searches of faiss never end, or fail, where k is larger than n.
        reachable = min(k, self.index.ntotal)
        if reachable and len(queries):
            found = self.index.search(queries, reachable, params=self._filtered)
            ids[:, :reachable] = found[1]
        self._last_k = reachable
        return ids

    def search_one(self, query: Vectors, k: int) -> Ids:
        if k != self._k:
            self._prepare(k)
        self._query[:] = query
        out = self._distances_pointer
        if self._filtered is None:
            self._call(1, self._query_pointer, self._last_k, out, self._ids_pointer)
        else:
            more = self._ids_pointer, self._filtered
            self._call(1, self._query_pointer, self._last_k, out, *more)
        return self._ids.copy()

    def size_bytes(self) -> int | None:
        """Bytes of the index as faiss writes it, counted without holding them."""
        total = 0

        def count(block: bytes) -> None:
            nonlocal total
            total += len(block)

        faiss.write_index(self.index, faiss.PyCallbackIOWriter(count))
        return total

    def work(self) -> int | None:
        """Distances counted by faiss, and those it computes without counting.

        The latter are the comparisons with all centroids of an inverted file, and the exact
        distances of a refinement.
        """
        counted = (faiss.IndexHNSW, faiss.IndexIVF)
        if not any(isinstance(part, counted) for part in parts(self.index)):
            return None
        graphs, lists = faiss.cvar.hnsw_stats, faiss.cvar.indexIVF_stats
        total = int(graphs.ndis) + int(lists.ndis)
        for part in parts(self.index):
            if isinstance(part, faiss.IndexIVF) and isinstance(
                faiss.downcast_index(part.quantizer), faiss.IndexFlat
            ):
                total += int(lists.nq) * int(part.nlist)
            elif isinstance(part, faiss.IndexRefine):
                total += int(lists.nq) * int(self._last_k * part.k_factor)
        graphs.reset()
        lists.reset()
        return total

    def add_under(self, ids: Ids, vectors: Vectors) -> None:
        """Take vectors under ids, for those of faiss that store ids."""
        faiss.omp_set_num_threads(self._threads)
        self.index.add_with_ids(vectors, ids)
        self._take(self.index)

    def remove_ids(self, ids: Ids) -> None:
        """Remove ids, for those of faiss that store them."""
        # Any other selector is asked about each vector by comparing with many ids.
        gone = np.zeros(int(ids.max()) + 1, dtype=np.bool_)
        gone[ids] = True
        bits = np.packbits(gone, bitorder="little")
        self.index.remove_ids(faiss.IDSelectorBitmap(bits))
        self._take(self.index)

    def neighbors(self) -> Graph | None:
        return graph_of(self.index)

    def lists(self) -> Ids | None:
        return lists_of(self.index)

    def save(self, path: Path) -> None:
        faiss.write_index(self.index, str(path))

    def load(self, path: Path, *, threads: int) -> None:
        self._threads = threads
        self._take(faiss.read_index(str(path)))

    def close(self) -> None:
        self.index = self._call = None

    @classmethod
    def connect(cls, server: FaissIndex) -> FaissIndex:
        """The same faiss index, with memory of its own for queries and answers."""
        handle = copy.copy(server)
        handle._make_buffers()
        return handle

    def _take(self, index: Any) -> None:
        self.index = index
        self._call = index.search_c if index.ntotal else (lambda *_: None)
        self._make_buffers()
        self.configure(**self._search_parameters)
        faiss.cvar.hnsw_stats.reset()
        faiss.cvar.indexIVF_stats.reset()

    def _make_buffers(self) -> None:
        self._query = np.empty(self.index.d, dtype=np.float32)
        self._query_pointer = faiss.swig_ptr(self._query)
        self._prepare(1)

    def _prepare(self, k: int) -> None:
        """Allocate what a single search of `k` writes to; ids past n stay −1."""
        self._k = k
        self._last_k = min(k, self.index.ntotal)
        self._ids = np.full(k, -1, dtype=np.int64)
        self._distances = np.empty(k, dtype=np.float32)
        self._ids_pointer = faiss.swig_ptr(self._ids)
        self._distances_pointer = faiss.swig_ptr(self._distances)


def selecting(index: Any, selector: Any) -> Any:
    """The search parameters that an index has, with a selector of ids."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexRefine):
        inner = selecting(index.base_index, selector)
        return faiss.IndexRefineSearchParameters(k_factor=index.k_factor, base_index_params=inner)
    if isinstance(index, faiss.IndexPreTransform):
        return faiss.SearchParametersPreTransform(index_params=selecting(index.index, selector))
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=index.nprobe)
    if isinstance(index, faiss.IndexHNSW):
        return faiss.SearchParametersHNSW(sel=selector, efSearch=index.hnsw.efSearch)
    return faiss.SearchParameters(sel=selector)


def parts(index: Any) -> Iterator[Any]:
    """The index and those inside it, each as its own class."""
    index = faiss.downcast_index(index)
    yield index
    for attribute in ("index", "base_index", "quantizer"):
        inner = getattr(index, attribute, None)
        if isinstance(inner, faiss.Index):
            yield from parts(inner)


def own_quantizer(index: Any, quantizer: Any) -> Any:
    """Let the inverted file own its quantizer, as both leave this function together."""
    quantizer.this.disown()
    index.own_fields = True
    return index


def keep_vectors(inner: Any) -> Any:
    """Keep whole vectors beside `inner`, which comes to belong to the result."""
    index = faiss.IndexRefineFlat(inner)
    inner.this.disown()
    index.own_fields = True
    return index


def _take_seed(part: Any, seed: int) -> None:
    # The generators of faiss take 32 bits.
    seed &= 0x7FFFFFFF
    for clustering in (getattr(part, "cp", None), getattr(getattr(part, "pq", None), "cp", None)):
        if clustering is not None:
            clustering.seed = seed
            # Few vectors a centroid is the caller's choice, not worth lines on stderr.
            clustering.min_points_per_centroid = 1
    for graph in (getattr(part, "hnsw", None), getattr(part, "nsg", None)):
        if graph is not None:
            graph.rng = faiss.RandomGenerator(seed)


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
