"""Inverted files and HNSW of LanceDB."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench.indexes.embedded import EmbeddedIndex, keep_to
from vbench.indexes.protocol import Filter, Ids, Vectors
from vbench.metric import Metric

_DISTANCES: dict[Metric, str] = {"l2": "l2", "ip": "dot", "cosine": "cosine"}
# One thread for files is one too few: it waits for itself.
_CORES = ("LANCE_CPU_THREADS", "TOKIO_WORKER_THREADS")


class LanceDb(EmbeddedIndex):
    """Inverted file (LanceDB), of whole vectors or RaBitQ's codes, or with a graph in each list."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"nprobes": [4, 8, 16, 32]}
    tune_parameter = "nprobes"
    requires = ("lancedb",)
    module = "lancedb"
    license = "Apache-2.0"
    seeded = False

    def __init__(
        self,
        kind: Literal["IvfFlat", "IvfSq", "IvfRq", "IvfHnswSq"] = "IvfFlat",
        num_partitions: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None,
    ) -> None:
        self.kind = kind
        self.num_partitions = num_partitions
        self._nprobes = 16
        self._filter: str | None = None

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"nprobes": build.get("num_partitions") or _lists(n)}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        os.environ.update(dict.fromkeys(_CORES, str(threads)))
        os.environ.setdefault("LANCE_LOG", "error")
        keep_to(threads)
        import lancedb
        import lancedb.index

        self._distance, self._filter = _DISTANCES[metric], None
        database = lancedb.connect(self.make_folder())
        table = database.create_table("vectors", _arrow(np.arange(len(base)), base))
        config = getattr(lancedb.index, self.kind)(
            distance_type=self._distance, num_partitions=self.num_partitions or _lists(len(base))
        )
        table.create_index("vector", config=config)
        return table

    def set(self, nprobes: Annotated[int, Meta(ge=1, le=1_000_000)] = 16) -> None:
        self._nprobes = nprobes

    def ask_one(self, query: Vectors, k: int) -> Ids:
        return _ids(self._asked(query, k).nprobes(self._nprobes))

    def _asked(self, query: Vectors, k: int) -> Any:
        asked = (
            self.index.search(query, vector_column_name="vector")
            .distance_type(self._distance)
            .select(["id", "_distance"])
            .limit(k)
        )
        return asked if self._filter is None else asked.where(self._filter, prefilter=True)

    def exact(self, queries: Vectors, k: int) -> Ids:
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, query in enumerate(queries):
            found = _ids(self._asked(query, min(k, self._n)).bypass_vector_index())
            ids[row, : len(found)] = found
        return ids

    def allow(self, condition: Filter | None) -> None:
        if condition is None:
            self._filter = None
            return
        few = condition.mask.sum() * 2 < len(condition.mask)
        rows = np.flatnonzero(condition.mask if few else ~condition.mask).tolist()
        listed = ",".join(map(str, rows)) or "-1"
        self._filter = f"id {'' if few else 'NOT '}IN ({listed})"

    def add(self, ids: Ids, vectors: Vectors) -> None:
        self.index.add(_arrow(ids, vectors))
        self._n += len(ids)

    def remove(self, ids: Ids) -> None:
        self.index.delete(f"id IN ({','.join(map(str, np.asarray(ids).tolist()))})")

    def settle(self) -> None:
        self.index.optimize()


def _ids(asked: Any) -> Ids:
    found: Ids = asked.to_arrow().column(0).to_numpy()
    return found


def _arrow(ids: Ids, vectors: Vectors) -> Any:
    import pyarrow as pa

    cells = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(cells, vectors.shape[1])
    return pa.table({"id": pa.array(np.asarray(ids, dtype=np.int32)), "vector": lists})


def _lists(n: int) -> int:
    return max(1, round(4 * math.sqrt(n)))
