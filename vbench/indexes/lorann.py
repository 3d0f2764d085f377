"""Reduced-rank regression over lists of vectors by LoRANN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from vbench.indexes.faiss_ivf import Lists, Probes
from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric


class Lorann(LibraryIndex):
    """Lists whose scores are learned by reduced-rank regression, the best reordered (LoRANN).

    It learns from queries where it is given some, else from the base.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "ip"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"clusters_to_search": [4, 8, 16, 32]}
    tune_parameter = "clusters_to_search"
    requires = ("lorann",)
    module = "lorann"
    license = "MIT"
    seeded = False  # it takes no seed
    dimensions = range(64, 65_537)
    fewest = 256  # there is little to regress on

    def __init__(
        self,
        n_clusters: Lists | None = None,
        rank: Literal[16, 32, 64] = 32,
        quantization_bits: Literal[4, 8] = 8,
        train_size: Annotated[int, Meta(ge=1, le=1000)] = 5,
    ) -> None:
        self.n_clusters = n_clusters
        self.rank = rank
        self.quantization_bits = quantization_bits
        self.train_size = train_size
        self._learn: Vectors | None = None
        self._most = 10_000_000
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"clusters_to_search": build.get("n_clusters") or round(math.sqrt(n))}

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        learn: Vectors | None = None,
    ) -> None:
        self._learn = learn
        super().fit(base, metric, seed=seed, threads=threads)
        self._learn = None

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import lorann

        self._most = self.n_clusters or round(math.sqrt(len(base)))
        index = lorann.LorannIndex(
            base,
            self._most,
            None,
            quantization_bits=self.quantization_bits,
            rank=self.rank,
            train_size=self.train_size,
            distance={"l2": lorann.L2, "ip": lorann.IP}[metric],
            copy=True,
        )
        index.build(n_threads=threads, training_queries=self._learn)
        return index

    def set(
        self,
        clusters_to_search: Probes = 8,
        points_to_rerank: Annotated[int, Meta(ge=1, le=10_000_000)] = 100,
    ) -> None:
        # Of more than there are it answers some vectors twice.
        self._clusters = min(clusters_to_search, self._most)
        self._rerank = points_to_rerank

    def ask_one(self, query: Vectors, k: int) -> Ids:
        rerank = self._rerank if self._rerank > k else k
        ids: Ids = self.index.search(query, k, self._clusters, rerank)
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        ids: Ids = self.index.search(
            queries, k, self._clusters, max(self._rerank, k), n_threads=self._threads
        )
        return np.atleast_2d(ids)

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, *, n: int, threads: int) -> None:
        import lorann

        self._threads = threads
        index = lorann.LorannIndex.load(str(path))
        self._most = index.n_clusters
        self.take(index, n)
