"""HNSW by Voyager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.library import LibraryIndex, reach
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_SPACES: dict[Metric, str] = {"l2": "Euclidean", "ip": "InnerProduct", "cosine": "Cosine"}
_TOO_FEW = "Fewer than expected results"


class Voyager(LibraryIndex):
    """Hierarchical navigable small world graph, which lifts inner product by itself (Voyager)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"query_ef": [16, 32, 64, 128]}
    tune_parameter = "query_ef"
    requires = ("voyager",)
    module = "voyager"
    license = "Apache-2.0"
    writes = True  # it refuses arrays that are read-only

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=10_000)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.M = M
        self.ef_construction = ef_construction
        self._query_ef = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"query_ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        from voyager import Index as VoyagerIndex
        from voyager import Space

        n, d = base.shape
        index = VoyagerIndex(
            getattr(Space, _SPACES[metric]),
            d,
            M=self.M,
            ef_construction=self.ef_construction,
            random_seed=seed & 0x7FFFFFFF,
            max_elements=n,
        )
        index.add_items(base, num_threads=threads)
        return index

    def set(self, query_ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._query_ef = query_ef

    def _ask(self, queries: Vectors, k: int) -> Ids:
        ef = self._query_ef if self._query_ef > k else k
        ids: Ids = self.index.query(queries, k, self._threads, ef)[0]
        return ids

    def ask_one(self, query: Vectors, k: int) -> Ids:
        try:
            return self._ask(query, k)
        except Exception:
            return reach(self._ask, query, k, _TOO_FEW)

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        try:
            return self._ask(queries, k)
        except Exception as error:  # of the whole batch, for one of its queries
            if _TOO_FEW not in str(error):
                raise
            return super().ask_many(queries, k)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.index.add_items(vectors, np.asarray(ids).tolist(), num_threads=self._threads)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        for each in np.asarray(ids).tolist():
            self.index.mark_deleted(each)

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, *, n: int, threads: int) -> None:
        from voyager import Index as VoyagerIndex

        self._threads = threads
        self.take(VoyagerIndex.load(str(path)), n)
