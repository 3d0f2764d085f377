"""HNSW of OpenSearch's k-NN plugin, and of Elasticsearch: two dialects of one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.protocol import Ids, Vectors
from vbench.indexes.rest_index import RestIndex, RestService
from vbench.indexes.service import Phases
from vbench.metric import Metric

_SPACES: dict[Metric, str] = {"l2": "l2", "ip": "innerproduct", "cosine": "cosinesimil"}
_SIMILARITIES: dict[Metric, str] = {"l2": "l2_norm", "ip": "max_inner_product", "cosine": "cosine"}
_MOST_CANDIDATES = 10_000


class OpenSearchService(RestService):
    """A server of OpenSearch with the k-NN plugin."""

    name = "opensearch"
    key = ("Authorization", "ApiKey ")

    def namespaces(self, address: str) -> Sequence[str]:
        found = self.ask_once(address, lambda rest: rest.ask("GET", "/_cat/indices?format=json"))
        return [each["index"] for each in found]

    def drop(self, address: str, namespace: str) -> None:
        self.ask_once(address, lambda rest: rest.drop(f"/{namespace}"))


class ElasticsearchService(OpenSearchService):
    """A server of Elasticsearch."""

    name = "elasticsearch"


class _Documents(RestIndex):
    """An index of documents that hold nothing but a vector."""

    @property
    def _path(self) -> str:
        return f"/{self._server.namespace}"

    def field(self, d: int) -> Mapping[str, Any]:
        """How the field of the vectors is mapped."""
        raise NotImplementedError

    def query(self, query: Sequence[float], k: int) -> Mapping[str, Any]:
        """The search for k neighbors."""
        raise NotImplementedError

    @property
    def index_settings(self) -> Mapping[str, Any]:
        """Settings of the index: one shard, which is refreshed when that is asked for."""
        return {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"}

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        mappings = {"dynamic": False, "properties": {"vector": self.field(base.shape[1])}}
        settings = {"index": self.index_settings}
        self.send("PUT", self._path, {"settings": settings, "mappings": mappings})
        with phases("load"):
            self.send_all(np.arange(len(base)), base)
        with phases("index"):
            self.send("POST", f"{self._path}/_refresh")
        with phases("optimize"):
            # A search goes through one segment after another.
            self.send("POST", f"{self._path}/_forcemerge?max_num_segments=1")
            self.send("POST", f"{self._path}/_refresh")

    def insert(self, ids: Sequence[int], vectors: Sequence[Any]) -> None:
        assert self.rest is not None
        lines: list[Mapping[str, Any]] = []
        for row, vector in zip(ids, vectors, strict=True):
            lines += [{"index": {"_id": str(row)}}, {"vector": vector}]
        self._check(self.rest.ask_lines("POST", f"{self._path}/_bulk", lines))

    def _check(self, done: Mapping[str, Any]) -> None:
        if done["errors"]:
            causes = (each.get("error") for item in done["items"] for each in item.values())
            raise VbenchError(f"{self.service and self.service.name}: {next(filter(None, causes))}")

    @property
    def passing(self) -> Mapping[str, Any] | None:
        """The condition on ids; None without one."""
        return None if self.allowed is None else {"ids": {"values": list(map(str, self.allowed))}}

    def ask_one(self, query: Sequence[float], k: int) -> Sequence[int]:
        asked = {"size": k, "_source": False, "track_total_hits": False, **self.query(query, k)}
        found = self.send("POST", f"{self._path}/_search", asked)
        return [int(hit["_id"]) for hit in found["hits"]["hits"]]

    def remove(self, ids: Ids) -> None:
        assert self.rest is not None
        gone = [{"delete": {"_id": str(row)}} for row in np.asarray(ids).tolist()]
        self._check(self.rest.ask_lines("POST", f"{self._path}/_bulk", gone))
        self.send("POST", f"{self._path}/_refresh")

    def settle(self) -> None:
        self.send("POST", f"{self._path}/_refresh")

    def size_bytes(self) -> int | None:
        """Bytes of the whole index on the server's disk, the vectors included."""
        found = self.send("GET", f"{self._path}/_stats/store")
        return int(found["_all"]["primaries"]["store"]["size_in_bytes"])

    def version(self) -> dict[str, str]:
        if not self.is_open or self.service is None:
            return {}
        return {self.service.name: self.send("GET", "/")["version"]["number"]}


class OpenSearch(_Documents):
    """Hierarchical navigable small world graph (OpenSearch, k-NN plugin)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_search": [16, 32, 64, 128]}
    tune_parameter = "ef_search"
    license = "Apache-2.0"
    service = OpenSearchService

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=100)] = 16,
        ef_construction: Annotated[int, Meta(ge=2, le=100_000)] = 100,
        engine: Literal["faiss", "lucene"] = "faiss",
    ) -> None:
        self.m = m
        self.ef_construction = ef_construction
        self.engine = engine
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef_search": n}

    @property
    def index_settings(self) -> Mapping[str, Any]:
        return {**super().index_settings, "knn": True}

    def field(self, d: int) -> Mapping[str, Any]:
        parameters = {"m": self.m, "ef_construction": self.ef_construction}
        method = {
            "name": "hnsw",
            "engine": self.engine,
            "space_type": _SPACES[self._metric],
            "parameters": parameters,
        }
        return {"type": "knn_vector", "dimension": d, "method": method}

    def set(self, ef_search: Annotated[int, Meta(ge=1, le=10_000_000)] = 100) -> None:
        self._ef_search = ef_search

    def query(self, query: Sequence[float], k: int) -> Mapping[str, Any]:
        parameters = {"ef_search": max(self._ef_search, k)}
        asked: dict[str, Any] = {"vector": query, "k": k, "method_parameters": parameters}
        if self.passing is not None:
            asked["filter"] = self.passing
        return {"query": {"knn": {"vector": asked}}}


class Elasticsearch(_Documents):
    """Hierarchical navigable small world graph (Elasticsearch)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"num_candidates": [16, 32, 64, 128]}
    tune_parameter = "num_candidates"
    license = "AGPL-3.0-only OR SSPL-1.0 OR Elastic-2.0"
    service = ElasticsearchService

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=2, le=3200)] = 100,
    ) -> None:
        self.m = m
        self.ef_construction = ef_construction
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"num_candidates": min(n, _MOST_CANDIDATES)}

    def field(self, d: int) -> Mapping[str, Any]:
        options = {"type": "hnsw", "m": self.m, "ef_construction": self.ef_construction}
        similarity = _SIMILARITIES[self._metric]
        return {
            "type": "dense_vector",
            "dims": d,
            "index": True,
            "similarity": similarity,
            "index_options": options,
        }

    def set(self, num_candidates: Annotated[int, Meta(ge=1, le=_MOST_CANDIDATES)] = 100) -> None:
        self._num_candidates = num_candidates

    def query(self, query: Sequence[float], k: int) -> Mapping[str, Any]:
        asked: dict[str, Any] = {
            "field": "vector",
            "query_vector": query,
            "k": k,
            "num_candidates": max(self._num_candidates, k),
        }
        if self.passing is not None:
            asked["filter"] = self.passing
        return {"knn": asked}
