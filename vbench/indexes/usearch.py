"""HNSW by USearch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_METRICS: dict[Metric, str] = {"l2": "l2sq", "ip": "ip", "cosine": "cos"}


class Usearch(LibraryIndex):
    """Hierarchical navigable small world graph (USearch)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"expansion_search": [16, 32, 64, 128]}
    tune_parameter = "expansion_search"
    requires = ("usearch",)
    module = "usearch"
    license = "Apache-2.0"

    def __init__(
        self,
        connectivity: Annotated[int, Meta(ge=2, le=10_000)] = 16,
        expansion_add: Annotated[int, Meta(ge=1, le=100_000)] = 200,
        dtype: Literal["f32", "bf16", "f16", "i8"] = "f32",
    ) -> None:
        self.connectivity = connectivity
        self.expansion_add = expansion_add
        self.dtype = dtype
        self._expansion_search = 64
        self._work = 0

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"expansion_search": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        index = self._empty(base.shape[1], metric)
        index.add(np.arange(len(base)), base, threads=threads)
        self._work = 0
        return index

    def _empty(self, d: int, metric: Metric) -> Any:
        from usearch.index import Index as UsearchIndex

        return UsearchIndex(
            ndim=d,
            metric=_METRICS[metric],
            dtype=self.dtype,
            connectivity=self.connectivity,
            expansion_add=self.expansion_add,
            expansion_search=self._expansion_search,
        )

    def set(self, expansion_search: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._expansion_search = expansion_search
        if self.index is not None:
            self.index.expansion_search = expansion_search

    def ask_one(self, query: Vectors, k: int) -> Ids:
        matches = self.index.search(query, k, threads=1)
        self._work += matches.computed_distances
        ids: Ids = matches.keys
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        if len(queries) == 1:  # is answered as one query
            return self.ask_one(queries[0], k)[np.newaxis]
        matches = self.index.search(queries, k, threads=self._threads)
        self._work += matches.computed_distances
        ids: Ids = matches.keys.view(np.int64)
        ids[np.arange(k) >= matches.counts[:, np.newaxis]] = -1
        return ids

    def exact(self, queries: Vectors, k: int) -> Ids:
        if not self._n:
            return self.search(queries, k)
        matches = self.index.search(queries, min(k, self._n), threads=self._threads, exact=True)
        ids: Ids = matches.keys.view(np.int64).reshape(len(queries), -1)
        return ids

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.index.add(np.asarray(ids, dtype=np.uint64), vectors, threads=self._threads)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        self.index.remove(np.asarray(ids, dtype=np.uint64), threads=self._threads)

    def work(self) -> int | None:
        computed, self._work = self._work, 0
        return computed

    def size_bytes(self) -> int | None:
        """Bytes of the file that `save` would write."""
        return None if self.index is None else int(self.index.serialized_length)

    def save(self, path: Path) -> None:
        self.index.save(path)

    def load(self, path: Path, *, d: int, n: int, metric: Metric, threads: int) -> None:
        index = self._empty(d, metric)
        index.load(path)
        self._threads = threads
        self.take(index, n)
