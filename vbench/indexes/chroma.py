"""HNSW of Chroma, inside of a process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.embedded import EmbeddedIndex, keep_to
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.metric import Metric

_AT_ONCE = 5000


class Chroma(EmbeddedIndex):
    """Hierarchical navigable small world graph (Chroma, embedded)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_search": [16, 32, 64, 128]}
    tune_parameter = "ef_search"
    requires = ("chromadb",)
    module = "chromadb"
    license = "Apache-2.0"
    seeded = False
    clients = "threads"
    forks = False

    def __init__(
        self,
        max_neighbors: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 100,
    ) -> None:
        self.max_neighbors = max_neighbors
        self.ef_construction = ef_construction
        self._ef_search = 100
        self._client: Any = None
        self._allowed: list[str] | None = None

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef_search": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        self.make_folder()
        self._allowed = None
        keep_to(threads)
        graph = {
            "space": metric,
            "max_neighbors": self.max_neighbors,
            "ef_construction": self.ef_construction,
            "ef_search": self._ef_search,
            "num_threads": threads,
        }
        collection = self._open().create_collection(
            "vectors", configuration={"hnsw": graph}, embedding_function=None
        )
        self._insert(collection, np.arange(len(base)), base)
        return collection

    def _open(self) -> Any:
        import chromadb

        settings = chromadb.Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(str(self._folder), settings)
        return self._client

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client.clear_system_cache()
            self._client = None

    def _insert(self, collection: Any, ids: Ids, vectors: Vectors) -> None:
        for start in range(0, len(ids), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            collection.add([str(each) for each in ids[some]], embeddings=vectors[some])

    def set(self, ef_search: Annotated[int, Meta(ge=1, le=10_000_000)] = 100) -> None:
        self._ef_search = ef_search
        if self._client is not None:
            # It counts only once the database is opened again.
            self.index.modify(configuration={"hnsw": {"ef_search": ef_search}})
            self._close()
            self.take(self._open().get_collection("vectors", embedding_function=None), self._n)

    def ask_one(self, query: Vectors, k: int) -> Ids:
        found = self.index.query([query], n_results=k, include=[], ids=self._allowed)["ids"][0]
        return np.array(list(map(int, found)), dtype=np.int64)

    def allow(self, condition: Filter | None) -> None:
        rows = None if condition is None else np.flatnonzero(condition.mask).tolist()
        self._allowed = None if rows is None else [str(row) for row in rows]

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._insert(self.index, ids, vectors)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        self.index.delete([str(each) for each in np.asarray(ids).tolist()])

    def close(self) -> None:
        self._close()
        super().close()
