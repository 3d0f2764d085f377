"""HGraph by VSAG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric


class VsagHgraph(LibraryIndex):
    """Hierarchical graph HGraph (VSAG).

    Its size is not told: VSAG takes memory and writes files in blocks of 128 MB.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef_search": [16, 32, 64, 128]}
    tune_parameter = "ef_search"
    requires = ("pyvsag",)
    module = "pyvsag"
    license = "Apache-2.0"
    writes = True  # it refuses arrays that are read-only

    def __init__(
        self,
        max_degree: Annotated[int, Meta(ge=4, le=512)] = 32,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
        base_quantization_type: Literal["fp32", "fp16", "bf16", "sq8", "sq4_uniform"] = "fp32",
    ) -> None:
        self.max_degree = max_degree
        self.ef_construction = ef_construction
        self.base_quantization_type = base_quantization_type
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef_search": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import pyvsag

        pyvsag.set_logger_off()
        n, d = base.shape
        graph = {
            "base_quantization_type": self.base_quantization_type,
            "max_degree": self.max_degree,
            "ef_construction": self.ef_construction,
            "build_thread_count": threads,
        }
        settings = {"dtype": "float32", "metric_type": metric, "dim": d, "index_param": graph}
        index = pyvsag.Index("hgraph", json.dumps(settings))
        index.build(base.ravel(), np.arange(n), n, d)
        return index

    def set(self, ef_search: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._settings = json.dumps({"hgraph": {"ef_search": ef_search}})

    def ask_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.index.knn_search(query, k, self._settings)[0]
        return ids
