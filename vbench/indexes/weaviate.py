"""HNSW of a Weaviate server, by its REST and GraphQL interfaces."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.protocol import Ids, Vectors
from vbench.indexes.rest_index import RestIndex, RestService
from vbench.indexes.service import Phases
from vbench.metric import Metric

_DISTANCES: dict[Metric, str] = {"l2": "l2-squared", "ip": "dot", "cosine": "cosine"}
_ROW = "row"


class WeaviateService(RestService):
    """A server of Weaviate, whose collections begin with a capital."""

    name = "weaviate"

    def namespaces(self, address: str) -> Sequence[str]:
        schema = self.ask_once(address, lambda rest: rest.ask("GET", "/v1/schema"))
        names = [each["class"] for each in schema["classes"]]
        return [name[:1].lower() + name[1:] for name in names]

    def drop(self, address: str, namespace: str) -> None:
        self.ask_once(address, lambda rest: rest.drop(f"/v1/schema/{_collection(namespace)}"))


class Weaviate(RestIndex):
    """Hierarchical navigable small world graph (Weaviate)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    license = "BSD-3-Clause"
    service = WeaviateService

    def __init__(
        self,
        maxConnections: Annotated[int, Meta(ge=4, le=2047)] = 32,
        efConstruction: Annotated[int, Meta(ge=4, le=100_000)] = 128,
    ) -> None:
        self.maxConnections = maxConnections
        self.efConstruction = efConstruction
        self._ef = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    @property
    def _name(self) -> str:
        return _collection(self._server.namespace)

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        config = {
            "distance": _DISTANCES[self._metric],
            "maxConnections": self.maxConnections,
            "efConstruction": self.efConstruction,
            "ef": self._ef,
            # Few vectors that pass would be compared one by one.
            "flatSearchCutoff": 0,
        }
        collection = {
            "class": self._name,
            "vectorizer": "none",
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": config,
            "properties": [{"name": _ROW, "dataType": ["int"]}],
        }
        self.send("POST", "/v1/schema", collection)
        # The graph grows with each vector that comes.
        with phases("index"):
            self.send_all(np.arange(len(base)), base)

    def insert(self, ids: Sequence[int], vectors: Sequence[Any]) -> None:
        objects = [
            {"class": self._name, "id": _uuid(row), "properties": {_ROW: row}, "vector": vector}
            for row, vector in zip(ids, vectors, strict=True)
        ]
        for each in self.send("POST", "/v1/batch/objects", {"objects": objects}):
            if errors := (each.get("result") or {}).get("errors"):
                raise VbenchError(f"Weaviate: {json.dumps(errors)}")

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef = ef
        if self.is_open:
            path = f"/v1/schema/{self._name}"
            collection = self.send("GET", path)
            if collection["vectorIndexConfig"]["ef"] != ef:
                collection["vectorIndexConfig"]["ef"] = ef
                self.send("PUT", path, collection)

    def ask_one(self, query: Sequence[float], k: int) -> Sequence[int]:
        where = ""
        if self.allowed is not None:
            passing = f"operator: ContainsAny, valueInt: {json.dumps(self.allowed)}"
            where = f' where: {{path: ["{_ROW}"], {passing}}}'
        near = f"nearVector: {{vector: {json.dumps(query)}}}"
        asked = f"{{Get{{{self._name}(limit: {k} {near}{where}){{_additional{{id}}}}}}}}"
        found = self.send("POST", "/v1/graphql", {"query": asked})
        if errors := found.get("errors"):
            raise VbenchError(f"Weaviate: {errors[0]['message']}")
        hits = found["data"]["Get"][self._name]
        return [uuid.UUID(hit["_additional"]["id"]).int - 1 for hit in hits]

    def remove(self, ids: Ids) -> None:
        for row in np.asarray(ids).tolist():
            self.send("DELETE", f"/v1/objects/{self._name}/{_uuid(row)}")

    def version(self) -> dict[str, str]:
        return {"weaviate": self.send("GET", "/v1/meta")["version"]} if self.is_open else {}


def _collection(namespace: str) -> str:
    return namespace[:1].upper() + namespace[1:]


def _uuid(row: int) -> str:
    return str(uuid.UUID(int=row + 1))
