"""Exact search: the reference for every other index."""

from __future__ import annotations

from typing import Any

import faiss

from vbench.indexes.faiss_base import FaissIndex
from vbench.indexes.protocol import Ids, Vectors


class Flat(FaissIndex):
    """Compare with every vector (faiss)."""

    def make(self, n: int, d: int, metric_type: int) -> Any:
        return faiss.IndexFlat(d, metric_type)

    def exact(self, queries: Vectors, k: int) -> Ids:
        return self.search(queries, k)
