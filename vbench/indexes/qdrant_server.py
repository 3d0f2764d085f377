"""HNSW of a Qdrant server, by its REST interface (1.10 and later)."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

import numpy as np
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.protocol import Ids, Vectors
from vbench.indexes.rest import RestError
from vbench.indexes.rest_index import RestIndex, RestService
from vbench.indexes.service import Phases, Server
from vbench.metric import Metric

_DISTANCES: dict[Metric, str] = {"l2": "Euclid", "ip": "Dot", "cosine": "Cosine"}
_ALWAYS_INDEXED = 1
"""Kilobytes of vectors from which on a segment gets a graph; 0 is never."""
_SMALLEST_SCAN = 10
"""Kilobytes below which candidates are scanned: the least that it takes."""
_LOOK_EVERY_SECONDS = 0.2
_PLACE = re.compile(r"(?P<collection>[^()]+?)\s*(?:\(\s*(?P<vector>[^()]+?)\s*\))?")


class QdrantService(RestService):
    """A server of Qdrant."""

    name = "qdrant-server"
    key = ("api-key", "")

    def namespaces(self, address: str) -> Sequence[str]:
        found = self.ask_once(address, lambda rest: rest.ask("GET", "/collections"))
        return [each["name"] for each in found["result"]["collections"]]

    def drop(self, address: str, namespace: str) -> None:
        self.ask_once(address, lambda rest: rest.drop(f"/collections/{namespace}"))


class QdrantServer(RestIndex):
    """Hierarchical navigable small world graph (Qdrant, a server)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"hnsw_ef": [16, 32, 64, 128]}
    tune_parameter = "hnsw_ef"
    license = "Apache-2.0"
    service = QdrantService

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construct: Annotated[int, Meta(ge=4, le=10_000)] = 100,
    ) -> None:
        self.m = m
        self.ef_construct = ef_construct
        self._using: dict[str, str] = {}
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"hnsw_ef": n}

    @property
    def _path(self) -> str:
        return f"/collections/{self._server.namespace}"

    def attach(self, server: Server, metric: Metric) -> None:
        """Search in a collection of others, ``items`` or ``items(image)`` by its named vector."""
        self.close()
        place = _PLACE.fullmatch(server.namespace)
        if place is None:
            raise VbenchError(f"{server.namespace!r} is no place; give items or items(image)")
        collection, vector = place["collection"], place["vector"]
        self._connect(Server(server.address, quote(collection, safe="")), metric)
        try:
            found = self.send("GET", self._path)["result"]["config"]["params"]["vectors"]
        except RestError as error:
            if error.status != http.client.NOT_FOUND:
                raise
            raise VbenchError(f"there is no collection {collection}") from None
        if "distance" not in found and vector is None:
            names = " or ".join(f"{collection}({name})" for name in found)
            raise VbenchError(f"the vectors of {collection} have names; give {names}")
        if vector is not None and (vector not in found or "distance" in found):
            raise VbenchError(f"{collection} has no vectors by the name {vector}")
        distance = (found if vector is None else found[vector])["distance"]
        if distance != _DISTANCES[metric]:
            raise VbenchError(
                f"{server.namespace} is searched by {distance}, and {metric} is "
                f"{_DISTANCES[metric]}"
            )
        self._using = {} if vector is None else {"using": vector}

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        collection = {
            "vectors": {"size": base.shape[1], "distance": _DISTANCES[self._metric]},
            "hnsw_config": {
                "m": self.m,
                "ef_construct": self.ef_construct,
                "full_scan_threshold": _SMALLEST_SCAN,
                "max_indexing_threads": threads,
            },
            # While vectors come in, no graph is built of a part of them.
            "optimizers_config": {"default_segment_number": 1, "indexing_threshold": 0},
        }
        self.send("PUT", self._path, collection)
        with phases("load"):
            self.send_all(np.arange(len(base)), base)
        with phases("index"):
            config = {"optimizers_config": {"indexing_threshold": _ALWAYS_INDEXED}}
            self.send("PATCH", self._path, config)
            self.settle()

    def settle(self) -> None:
        # It is told green for a moment before it begins.
        green = 0
        while green < 2:
            status = self.send("GET", self._path)["result"]["status"]
            green = green + 1 if status == "green" else 0
            time.sleep(_LOOK_EVERY_SECONDS)

    def insert(self, ids: Sequence[int], vectors: Sequence[Any]) -> None:
        batch = {"batch": {"ids": ids, "vectors": vectors}}
        self.send("PUT", f"{self._path}/points?wait=true", batch)

    def set(self, hnsw_ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 128) -> None:
        self._params: dict[str, Any] = {"hnsw_ef": hnsw_ef, "exact": False}

    def _query(self, query: Sequence[float], k: int, params: Mapping[str, Any]) -> dict[str, Any]:
        asked: dict[str, Any] = {"query": query, "limit": k, "params": params, **self._using}
        if self.allowed is not None:
            asked["filter"] = {"must": [{"has_id": self.allowed}]}
        return asked

    def ask_one(self, query: Sequence[float], k: int) -> Sequence[int]:
        asked = self._query(query, k, self._params)
        found = self.send("POST", f"{self._path}/points/query", asked)
        return _rows(found["result"])

    def search(self, queries: Vectors, k: int) -> Ids:
        return self._search(queries, k, self._params)

    def exact(self, queries: Vectors, k: int) -> Ids:
        return self._search(queries, k, {"exact": True})

    def _search(self, queries: Vectors, k: int, params: Mapping[str, Any]) -> Ids:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        searches = [self._query(query, k, params) for query in queries.tolist()]
        found = self.send("POST", f"{self._path}/points/query/batch", {"searches": searches})
        for row, answer in enumerate(found["result"]):
            rows = _rows(answer)
            ids[row, : len(rows)] = rows
        return ids

    def remove(self, ids: Ids) -> None:
        gone = {"points": np.asarray(ids).tolist()}
        self.send("POST", f"{self._path}/points/delete?wait=true", gone)

    def version(self) -> dict[str, str]:
        return {"qdrant": self.send("GET", "/")["version"]} if self.is_open else {}


def _rows(answer: Mapping[str, Any]) -> list[int]:
    """Ids of the points of an answer, which others may have named otherwise."""
    ids = [point["id"] for point in answer["points"]]
    wrong = next((each for each in ids if not isinstance(each, int)), None)
    if wrong is not None:
        raise VbenchError(f"point {wrong!r} has an id that is no row number of the base vectors")
    return ids
