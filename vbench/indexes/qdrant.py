"""HNSW of Qdrant, as its engine runs inside of a process (Qdrant Edge)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.embedded import EmbeddedIndex
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.metric import Metric

_DISTANCES: dict[Metric, str] = {"l2": "Euclid", "ip": "Dot", "cosine": "Cosine"}
_AT_ONCE = 1000
_ALWAYS_INDEXED = 1
"""Kilobytes under which a segment is scanned and not searched by its graph."""


class Qdrant(EmbeddedIndex):
    """Hierarchical navigable small world graph (Qdrant, embedded)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"hnsw_ef": [16, 32, 64, 128]}
    tune_parameter = "hnsw_ef"
    requires = ("qdrant-edge-py",)
    module = "qdrant_edge"
    license = "Apache-2.0"
    seeded = False

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construct: Annotated[int, Meta(ge=4, le=10_000)] = 100,
    ) -> None:
        self.m = m
        self.ef_construct = ef_construct
        self._filter: Any = None
        self._hnsw_ef = 128
        self._params: Any = None

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"hnsw_ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import qdrant_edge as edge

        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(
                size=base.shape[1], distance=getattr(edge.Distance, _DISTANCES[metric])
            ),
            hnsw_config=edge.HnswIndexConfig(
                m=self.m,
                ef_construct=self.ef_construct,
                full_scan_threshold=_ALWAYS_INDEXED,
                max_indexing_threads=threads,
            ),
            optimizers=edge.EdgeOptimizersConfig(
                indexing_threshold=_ALWAYS_INDEXED, default_segment_number=1
            ),
            max_search_threads=threads,
        )
        shard = edge.EdgeShard.create(str(self.make_folder()), config)
        self._filter = None
        self._upsert(shard, np.arange(len(base)), base)
        _optimize(shard)
        self._set_params()
        return shard

    def _upsert(self, shard: Any, ids: Ids, vectors: Vectors) -> None:
        import qdrant_edge as edge

        for start in range(0, len(ids), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(ids)))
            points = [edge.Point(int(ids[row]), vectors[row].tolist()) for row in rows]
            shard.update(edge.UpdateOperation.upsert_points(points))

    def set(self, hnsw_ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 128) -> None:
        self._hnsw_ef = hnsw_ef
        if self.index is not None:
            self._set_params()

    def _set_params(self) -> None:
        import qdrant_edge as edge

        self._request, self._nearest = edge.SearchRequest, edge.Query.Nearest
        # A graph of which few vectors pass is walked over those that do not, too.
        acorn = None if self._filter is None else edge.AcornSearchParams(enable=True)
        self._params = edge.SearchParams(hnsw_ef=self._hnsw_ef, acorn=acorn)
        self._exact = edge.SearchParams(exact=True)

    def ask_one(self, query: Vectors, k: int) -> Ids:
        return self._ask(query, k, self._params)

    def _ask(self, query: Vectors, k: int, params: Any) -> Ids:
        asked = self._request(
            self._nearest(query.tolist()),
            k,
            filter=self._filter,
            params=params,
            with_vector=False,
            with_payload=False,
        )
        return np.array([point.id for point in self.index.search(asked)], dtype=np.int64)

    def exact(self, queries: Vectors, k: int) -> Ids:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, query in enumerate(queries):
            found = self._ask(query, min(k, self._n), self._exact)
            ids[row, : len(found)] = found
        return ids

    def allow(self, condition: Filter | None) -> None:
        import qdrant_edge as edge

        self._filter = None
        if condition is not None:
            rows = np.flatnonzero(condition.mask)
            self._filter = edge.Filter(must=[edge.HasIdCondition({*rows.tolist()})])
        self._set_params()

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._upsert(self.index, ids, vectors)
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        import qdrant_edge as edge

        self.index.update(edge.UpdateOperation.delete_points(np.asarray(ids).tolist()))

    def settle(self) -> None:
        _optimize(self.index)

    def close(self) -> None:
        if self.index is not None and hasattr(self.index, "optimize"):
            self.index.close()
        super().close()


def _optimize(shard: Any) -> None:
    while shard.optimize():
        pass
