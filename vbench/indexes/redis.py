"""HNSW of Redis' search (Redis 8, Redis Stack, and what speaks as they do), by address."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.in_server import ServerIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.indexes.service import Phases, Server, Service
from vbench.metric import Metric

_DISTANCES: dict[Metric, str] = {"l2": "L2", "ip": "IP", "cosine": "COSINE"}
_AT_ONCE = 500
_LOOK_EVERY_SECONDS = 0.2


class RedisService(Service):
    """A server of Redis with its search; an index and its keys bear one name."""

    name = "redis"

    def namespaces(self, address: str) -> Sequence[str]:
        with _open(address) as client:
            return [name.decode() for name in client.execute_command("FT._LIST")]

    def drop(self, address: str, namespace: str) -> None:
        with _open(address) as client:
            if namespace.encode() in client.execute_command("FT._LIST"):
                client.execute_command("FT.DROPINDEX", namespace, "DD")


class Redis(ServerIndex):
    """Hierarchical navigable small world graph (Redis)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_runtime": [16, 32, 64, 128]}
    tune_parameter = "ef_runtime"
    requires = ("redis",)
    module = "redis"
    license = "RSALv2 OR SSPL-1.0 OR AGPL-3.0-only"
    service = RedisService

    _client: Any = None

    def __init__(
        self,
        m: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=4096)] = 200,
    ) -> None:
        self.m = m
        self.ef_construction = ef_construction
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef_runtime": n}

    def open(self, server: Server, metric: Metric) -> None:
        self._client = _open(server.address)
        self._name = server.namespace

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        name, (n, d) = self._name, base.shape
        of_graph = ["M", self.m, "EF_CONSTRUCTION", self.ef_construction, "INITIAL_CAP", n]
        of_vectors = ["TYPE", "FLOAT32", "DIM", d, "DISTANCE_METRIC", _DISTANCES[self._metric]]
        options = [*of_vectors, *of_graph]
        # The index comes after the keys, so that loading and building are told apart.
        with phases("load"):
            self.add(np.arange(n), base)
        with phases("index"):
            self._client.execute_command(
                *("FT.CREATE", name, "ON", "HASH", "PREFIX", 1, f"{name}:"),
                *("SCHEMA", "vector", "VECTOR", "HNSW", len(options), *options),
            )
            self.settle()

    def settle(self) -> None:
        # Keys are read into the index behind the answer.
        while True:
            told = self._client.execute_command("FT.INFO", self._name)
            facts = (
                told if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
            )
            if not int(facts[b"indexing"]):
                return
            time.sleep(_LOOK_EVERY_SECONDS)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        for start in range(0, len(ids), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            pipe = self._client.pipeline(transaction=False)
            for row, vector in zip(np.asarray(ids)[part].tolist(), vectors[part], strict=True):
                pipe.execute_command("HSET", f"{self._name}:{row}", "vector", vector.tobytes())
            pipe.execute()

    def remove(self, ids: Ids) -> None:
        rows = np.asarray(ids).tolist()
        if rows:
            self._client.execute_command("DEL", *(f"{self._name}:{row}" for row in rows))

    def set(self, ef_runtime: Annotated[int, Meta(ge=1, le=1_000_000)] = 10) -> None:
        self._ef_runtime = ef_runtime

    def search_one(self, query: Vectors, k: int) -> Ids:
        self.check_open()
        found = self._client.execute_command(
            *("FT.SEARCH", self._name, "*=>[KNN $k @vector $query EF_RUNTIME $ef AS distance]"),
            *("PARAMS", 6, "k", k, "query", query.tobytes(), "ef", max(self._ef_runtime, k)),
            *("SORTBY", "distance", "ASC", "NOCONTENT", "LIMIT", 0, k, "DIALECT", 2),
        )
        # A count, then keys: those of the hashes, which end with the row.
        return np.array([int(key.rpartition(b":")[2]) for key in found[1:]], dtype=np.int64)

    def version(self) -> dict[str, str]:
        if self._client is None:
            return {}
        told = self._client.execute_command("INFO", "server")
        return {"redis": str(told["redis_version"])}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _open(address: str) -> Any:
    from redis import Redis as Client

    # Answers of the newer protocol have other shapes.
    return Client.from_url(address, protocol=2)
