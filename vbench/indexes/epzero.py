"""HNSW by epzero."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.flat import Flat
from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Filter, Graph, Ids, Vectors
from vbench.metric import METRICS, FloatArray, Metric

_MEAN_RECALL = re.compile(r"Recall@\d+>=(?P<value>[\d.]+)")


class Epzero(LibraryIndex):
    """Hierarchical navigable small world graph (epzero).

    With `patience` a query ends once its best k have stayed the same for so many steps. With
    `recall`, which `claim` proposes, a guard of the library moves `ef` to hold that mean recall:
    it asks a `sample` of the queries again with `reference_ef`, 0 for exactly.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    requires = ("epzero",)
    module = "epzero"
    license = "MIT"

    _filter: Any = None

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=512)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.M = M
        self.ef_construction = ef_construction
        self.set()

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import epzero

        self._filter = None
        n, d = base.shape
        index = epzero.Index(
            d,
            metric=metric,
            max_elements=n,
            M=self.M,
            ef_construction=self.ef_construction,
            seed=seed & 0x7FFFFFFF,
        )
        index.add(base, threads=threads)
        return index

    def set(
        self,
        ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64,
        patience: Annotated[int, Meta(ge=0, le=10_000_000)] = 0,
        recall: Annotated[float, Meta(ge=0, le=1)] = 0.0,
        sample: Annotated[float, Meta(gt=0, le=1)] = 0.05,
        reference_ef: Annotated[int, Meta(ge=0, le=10_000_000)] = 1024,
    ) -> None:
        self._ef = ef
        self._patience = patience
        self._recall = recall
        self._guarding = {"sample_rate": sample, "reference_ef": reference_ef}
        self._guard: Any = None
        self._asked = 0
        if self.index is not None and not isinstance(self.index, Flat):
            self._start()

    def take(self, index: Any, n: int) -> None:
        super().take(index, n)
        self._start()

    def _start(self) -> None:
        """Search through a new guard where a recall is to be held; under a filter without."""
        self._guard = None
        self._one, self._many = self.ask_one, self.ask_many
        if self._recall and self._filter is None:
            import epzero

            self._guard = epzero.RecallGuard(
                self.index, self._recall, initial_ef=self._ef, **self._guarding
            )
            self._one, self._many = self._guarded_one, self._guarded

    def close(self) -> None:
        super().close()
        self._guard = None

    def claim(self, target: str) -> Mapping[str, Any]:
        wanted = _MEAN_RECALL.fullmatch(target)
        if wanted is None:
            raise ValueError("its guard holds mean recall alone, such as Recall@10>=0.95")
        return {"recall": float(wanted["value"])}

    def estimates(self) -> FloatArray | None:
        """What the guard reports of mean recall by now, of each query alike."""
        if self._guard is None:
            return None
        self._guard.drain()
        report = self._guard.report()
        return np.full(self._asked, report[0]["recall"]) if report else None

    def ask_one(self, query: Vectors, k: int) -> Ids:
        # By position, which is quicker: without reranking, on one thread.
        ids: Ids = self.index.search(
            query, k, self._ef, 0, 1, self._filter, "auto", self._patience
        )[0][0]
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        ids: Ids = self.index.search(
            queries,
            k,
            self._ef,
            threads=self._threads,
            filter=self._filter,
            patience=self._patience,
        )[0]
        return ids

    def _guarded_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self._guarded(query[np.newaxis], k)[0]
        return ids

    def _guarded(self, queries: Vectors, k: int) -> Ids:
        self._asked = len(queries)
        ids: Ids = self._guard.search(queries, k, threads=self._threads)[0]
        return ids

    def exact(self, queries: Vectors, k: int) -> Ids:
        if not self._n:
            return self.search(queries, k)
        ids: Ids = self.index.exact_search(
            queries, min(k, self._n), threads=self._threads, filter=self._filter
        )[0]
        return ids

    def allow(self, condition: Filter | None) -> None:
        self._filter = None
        if condition is not None:
            self._filter = self.index.filter(np.flatnonzero(condition.mask))
        self._start()

    def size_bytes(self) -> int | None:
        """Bytes that epzero says it occupies."""
        return int(self.index.memory_bytes)

    def neighbors(self) -> Graph | None:
        if self.index is None:
            return None
        links = [self.index.neighbors(vector) for vector in range(self._n)]
        neighbors = np.full((self._n, max(map(len, links))), -1, dtype=np.int32)
        for vector, found in enumerate(links):
            neighbors[vector, : len(found)] = found
        above = [vector for vector in range(self._n) if self.index.level(vector)]
        # Of a graph without levels, the first is the entry.
        return Graph(neighbors, np.array(above or [0], dtype=np.int64))

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, *, n: int, threads: int) -> None:
        import epzero

        self._threads = threads
        self.take(epzero.Index.load(str(path)), n)
