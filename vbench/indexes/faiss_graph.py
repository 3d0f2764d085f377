"""Graphs of faiss: HNSW and NSG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import faiss
from msgspec import Meta

from vbench.indexes.faiss_base import FaissIndex
from vbench.indexes.protocol import Ids, Index, Vectors

_SMALLEST_NSG = 256
"""NSG cannot be built, or does not end, on very few vectors: exact search takes its place."""

_LARGEST_EXACT_GRAPH = 100_000
"""Up to here the exact neighbors that NSG starts from are found faster than by NN-descent."""


class FaissHnsw(FaissIndex):
    """Hierarchical navigable small world graph (faiss)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        super().__init__()
        self.M = M
        self.ef_construction = ef_construction

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def make(self, n: int, d: int, metric_type: int) -> Any:
        index = faiss.IndexHNSWFlat(d, self.M, metric_type)
        index.hnsw.efConstruction = self.ef_construction
        return index

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Insert into the graph; as nothing is ever removed, ids are places."""
        faiss.omp_set_num_threads(self._threads)
        self.index.add(vectors)
        self._take(self.index)

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self.configure(efSearch=ef)


class FaissNsg(FaissIndex):
    """Navigating spreading-out graph (faiss), built from the exact or an NN-descent graph."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"search_L": [16, 32, 64, 128]}
    tune_parameter = "search_L"
    allow = Index.allow  # faiss refuses a selector here

    def __init__(
        self,
        R: Annotated[int, Meta(ge=2, le=512)] = 32,
        build_L: Annotated[int, Meta(ge=1, le=100_000)] = 64,
        neighbors: Annotated[int, Meta(ge=8, le=1024)] = 64,
    ) -> None:
        super().__init__()
        self.R = R
        self.build_L = build_L
        self.build_neighbors = neighbors
        self._search_L = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"search_L": n}

    def make(self, n: int, d: int, metric_type: int) -> Any:
        if n < max(_SMALLEST_NSG, 2 * self.build_L, 2 * self.build_neighbors, 2 * self.R):
            return faiss.IndexFlat(d, metric_type)
        index = faiss.IndexNSGFlat(d, self.R, metric_type)
        index.nsg.L = self.build_L
        index.GK = self.build_neighbors
        index.nndescent_L = self.build_neighbors + 50
        index.build_type = 0 if n <= _LARGEST_EXACT_GRAPH else 1
        return index

    def set(self, search_L: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._search_L = search_L
        self.configure()

    def configure(self, **parameters: float) -> None:
        graph = getattr(self.index, "nsg", None)
        if graph is not None:
            # A pool larger than the base is never filled, and the search would not end.
            graph.search_L = min(self._search_L, self.index.ntotal)
