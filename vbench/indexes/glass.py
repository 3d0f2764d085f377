"""HNSW by Glass, the core of Zilliz' engine (pyglass)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench._leftovers import TemporaryFolder
from vbench.indexes.library import LibraryIndex, cut_zeros, mask_zeros
from vbench.indexes.protocol import Graph, Ids, Vectors
from vbench.metric import Metric

_BYTES = {"FP32": 4, "FP16": 2, "BF16": 2, "SQ8": 1}


class Glass(LibraryIndex):
    """Hierarchical navigable small world graph (Glass, the core of Zilliz' engine).

    `R` is the most neighbors of a vector, `L` the width of the search while building.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "ip"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    requires = ("pyglass-portable",)
    module = "glass"
    license = "MIT"

    def __init__(
        self,
        R: Annotated[int, Meta(ge=4, le=512)] = 32,
        L: Annotated[int, Meta(ge=1, le=100_000)] = 200,
        quantizer: Literal["FP32", "FP16", "BF16", "SQ8"] = "FP32",
    ) -> None:
        self.R = R
        self.L = L
        self.quantizer = quantizer
        self._ef = 64
        self._graph = np.empty(0, dtype=np.int32)

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import glass

        glass.set_num_threads(threads)
        graph = glass.Index("HNSW", metric.upper(), "FP32", self.R, self.L).build(base)
        # A graph that a searcher holds can no longer be saved.
        folder = TemporaryFolder(purpose="graph")
        graph.save(f"{folder.path}/graph")
        self._graph = np.fromfile(f"{folder.path}/graph", dtype=np.int32)
        folder.close()
        self._vector_bytes = base.size * _BYTES[self.quantizer]
        searcher = glass.Searcher(graph, base, metric.upper(), self.quantizer)
        searcher.set_ef(self._ef)
        return searcher

    def use_threads(self, threads: int) -> None:
        import glass

        super().use_threads(threads)
        glass.set_num_threads(threads)

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef = ef
        if self.index is not None:
            self.index.set_ef(ef)

    def ask_one(self, query: Vectors, k: int) -> Ids:
        return cut_zeros(*self.index.search(query, k))

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        if k > self._ef:  # its batches then hold some ids twice
            return super().ask_many(queries, k)
        return mask_zeros(*self.index.batch_search(queries, k, self._threads))

    def size_bytes(self) -> int | None:
        """Bytes of the graph, and of the vectors as they are kept."""
        return self._graph.nbytes + self._vector_bytes

    def neighbors(self) -> Graph | None:
        if not len(self._graph):
            return None
        # How many entry points, these, how many vectors, width, level 0; then the levels above:
        # three numbers, and for each vector how many links, and these.
        count = int(self._graph[0])
        n, width = map(int, self._graph[1 + count : 3 + count])
        end = 3 + count + n * width
        neighbors = self._graph[3 + count : end].reshape(n, width)
        above, place = [], end + 3
        for vector in range(n):
            links = int(self._graph[place])
            place += 1 + links
            if links:
                above.append(vector)
        return Graph(neighbors, np.union1d(self._graph[1 : 1 + count], above).astype(np.int64))

    def close(self) -> None:
        super().close()
        self._graph = np.empty(0, dtype=np.int32)
