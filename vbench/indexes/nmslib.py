"""HNSW by NMSLIB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric

_SPACES: dict[Metric, str] = {"l2": "l2", "ip": "negdotprod", "cosine": "cosinesimil"}


class Nmslib(LibraryIndex):
    """Hierarchical navigable small world graph (NMSLIB)."""

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"efSearch": [16, 32, 64, 128]}
    tune_parameter = "efSearch"
    requires = ("nmslib",)
    clients = "threads"
    module = "nmslib"
    license = "Apache-2.0, parts GPL"
    seeded = False  # its levels are drawn anew in each process

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=512)] = 16,
        efConstruction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.M = M
        self.efConstruction = efConstruction
        self._efSearch = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"efSearch": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import nmslib

        index = nmslib.init(method="hnsw", space=_SPACES[metric])
        index.addDataPointBatch(base)
        settings = {"M": self.M, "efConstruction": self.efConstruction, "post": 0}
        index.createIndex({**settings, "indexThreadQty": threads}, print_progress=False)
        index.setQueryTimeParams({"efSearch": self._efSearch})
        return index

    def set(self, efSearch: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._efSearch = efSearch
        if self.index is not None:
            self.index.setQueryTimeParams({"efSearch": efSearch})

    def ask_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.index.knnQuery(query, k)[0]
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        ids = np.full((len(queries), k), -1, dtype=np.int32)
        found = self.index.knnQueryBatch(queries, k, self._threads)
        for row, (each, _) in enumerate(found):
            ids[row, : len(each)] = each
        return ids

    def save(self, path: Path) -> None:
        self.index.saveIndex(str(path), save_data=True)

    def load(self, path: Path, *, n: int, metric: Metric, threads: int) -> None:
        import nmslib

        index = nmslib.init(method="hnsw", space=_SPACES[metric])
        index.loadIndex(str(path), load_data=True)
        index.setQueryTimeParams({"efSearch": self._efSearch})
        self._threads = threads
        self.take(index, n)
