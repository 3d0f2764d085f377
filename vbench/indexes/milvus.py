"""Indexes of Milvus, in a server of Milvus Lite or in one that runs already."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.in_server import ServerIndex
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.indexes.service import Phases, Server, Service, end, spawn, wait_for
from vbench.metric import Metric

_METRICS: dict[Metric, str] = {"l2": "L2", "ip": "IP", "cosine": "COSINE"}
_AT_ONCE = 2000


class MilvusLite(Service):
    """A server of Milvus Lite."""

    name = "milvus"
    extra = "milvus-lite"
    server_requires = ("milvus-lite",)

    _process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path, *, threads: int) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = folder / "data"
        command = [
            *(sys.executable, "-m", "milvus_lite", "server", "--data-dir", data),
            *("--host", "127.0.0.1", "--port", port),
        ]
        self._process = spawn(command, folder)
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: self.namespaces(address), self._process)
        return address

    def stop(self) -> None:
        end(self._process)

    def namespaces(self, address: str) -> Sequence[str]:
        client = _open(address)
        try:
            names: list[str] = client.list_collections()
            return names
        finally:
            client.close()

    def drop(self, address: str, namespace: str) -> None:
        client = _open(address)
        try:
            client.drop_collection(namespace)
        finally:
            client.close()


class MilvusHnsw(ServerIndex):
    """Hierarchical navigable small world graph (Milvus)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    requires = ("pymilvus",)
    module = "pymilvus"
    extra = "milvus-lite"
    license = "Apache-2.0"
    service = MilvusLite

    _client: Any = None
    _filter = ""

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=2048)] = 16,
        efConstruction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.M = M
        self.efConstruction = efConstruction
        self._ef = 64

    def open(self, server: Server, metric: Metric) -> None:
        self._filter = ""
        self._client = _open(server.address)

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def build(self, base: Vectors, phases: Phases, *, threads: int) -> None:
        from pymilvus import DataType

        client, name = self._client, self._server.namespace
        schema = client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=base.shape[1])
        client.create_collection(name, schema=schema)
        with phases("load"):
            self._insert(np.arange(len(base)), base)
            client.flush(name)
        with phases("index"):
            params = client.prepare_index_params()
            params.add_index(
                "vector",
                index_type="HNSW",
                metric_type=_METRICS[self._metric],
                params={"M": self.M, "efConstruction": self.efConstruction},
            )
            client.create_index(name, params)
        with phases("optimize"):
            client.load_collection(name)

    def _insert(self, ids: Ids, vectors: Vectors) -> None:
        for start in range(0, len(ids), _AT_ONCE):
            rows = range(start, min(start + _AT_ONCE, len(ids)))
            data = [{"id": int(ids[row]), "vector": vectors[row].tolist()} for row in rows]
            self._client.insert(self._server.namespace, data)

    def set(self, ef: Annotated[int, Meta(ge=1, le=32_768)] = 64) -> None:
        self._ef = ef

    def search_one(self, query: Vectors, k: int) -> Ids:
        (found,) = self._ask([query.tolist()], k)
        return np.array([hit["id"] for hit in found], dtype=np.int64)

    def search(self, queries: Vectors, k: int) -> Ids:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, hits in enumerate(self._ask(queries.tolist(), k) if len(queries) else ()):
            ids[row, : len(hits)] = [hit["id"] for hit in hits]
        return ids

    def _ask(self, queries: list[list[float]], k: int) -> Any:
        self.check_open()
        # It refuses fewer candidates than it is to return.
        return self._client.search(
            self._server.namespace,
            data=queries,
            limit=k,
            filter=self._filter,
            search_params={"params": {"ef": max(self._ef, k)}},
        )

    def allow(self, condition: Filter | None) -> None:
        self._filter = ""
        if condition is not None:
            self._filter = f"id in {np.flatnonzero(condition.mask).tolist()}"

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self._insert(ids, vectors)

    def remove(self, ids: Ids) -> None:
        self._client.delete(self._server.namespace, ids=np.asarray(ids).tolist())

    def settle(self) -> None:
        self._client.flush(self._server.namespace)

    def version(self) -> dict[str, str]:
        if self._client is None:
            return {}
        return {"milvus": str(self._client.get_server_version())}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _open(address: str) -> Any:
    from pymilvus import MilvusClient

    return MilvusClient(address)
