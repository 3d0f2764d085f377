"""RaBitQ: inverted lists of few bits a dimension, and the graph SymphonyQG (rabitqlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import faiss
import numpy as np
from msgspec import Meta

from vbench.errors import VbenchError
from vbench.indexes.faiss_ivf import Lists, Probes, count_lists
from vbench.indexes.library import LibraryIndex, reach
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_SMALLEST = 64
"""Its rotation takes no fewer dimensions: zeros, which change no distance, make them up."""
_TOO_FEW = "could not produce k results"


class _Rabitq(LibraryIndex):
    """An index of rabitqlib, whose answers are padded with the largest uint32."""

    requires = ("rabitqlib",)
    module = "rabitqlib"
    license = "Apache-2.0"
    seeded = False  # its rotation draws as it likes
    _kind: ClassVar[str]

    def ask(self, queries: Vectors, k: int, threads: int) -> Ids:
        """Ids as the library returns them."""
        raise NotImplementedError

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        return self.ask(_widened(queries), k, self._threads).view(np.int32)

    def ask_one(self, query: Vectors, k: int) -> Ids:
        queries = query[np.newaxis]
        if len(query) < _SMALLEST:
            queries = _widened(queries)
        ids: Ids = self.ask(queries, k, 1)[0].view(np.int32)
        return ids

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, *, n: int, threads: int) -> None:
        import rabitqlib

        self._threads = threads
        self.take(getattr(rabitqlib, self._kind).load(str(path)), n)


class RabitqIvf(_Rabitq):
    """Inverted file, 1 to 9 bits a dimension without the vectors, or 32 with them (rabitqlib).

    The lists are k-means cells in Euclidean distance (faiss), whatever the metric.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "ip"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"nprobe": [4, 8, 16, 32]}
    tune_parameter = "nprobe"
    _kind = "IvfIndex"

    def __init__(
        self, nlist: Lists | None = None, nbits: Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 32] = 5
    ) -> None:
        self.nlist = nlist
        self.nbits = nbits
        self._nprobe = 8
        self._lists: Ids | None = None

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"nprobe": count_lists(build.get("nlist"), n)}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import rabitqlib

        vectors = _widened(base)
        n, d = vectors.shape
        lists = count_lists(self.nlist, n)
        faiss.omp_set_num_threads(threads)
        cells = faiss.Kmeans(d, lists, seed=seed & 0x7FFFFFFF, niter=20, min_points_per_centroid=1)
        cells.train(vectors)
        self._lists = cells.index.search(vectors, 1)[1][:, 0]
        index = rabitqlib.IvfIndex(d, n, lists, self.nbits, metric)
        index.build(vectors, cells.centroids, self._lists.astype(np.uint32), threads)
        return index

    def set(self, nprobe: Probes = 8) -> None:
        self._nprobe = nprobe

    def ask(self, queries: Vectors, k: int, threads: int) -> Ids:
        ids: Ids = self.index.search(queries, k, self._nprobe, None, threads)[0]
        return ids

    def add(self, ids: Ids, vectors: Vectors) -> None:
        given = self.index.add(_widened(vectors), num_threads=self._threads)
        if not np.array_equal(given, ids):
            raise VbenchError("rabitqlib numbers the vectors that are added one after another")
        self._n += len(ids)
        self._lists = None  # which lists they went to it does not say

    def remove(self, ids: Ids) -> None:
        self.index.remove(np.asarray(ids, dtype=np.uint32))

    def lists(self) -> Ids | None:
        return self._lists

    def save(self, path: Path) -> None:
        path.mkdir()
        super().save(path / "index")
        if self._lists is not None:
            np.save(path / "lists.npy", self._lists)

    def load(self, path: Path, *, n: int, threads: int) -> None:
        super().load(path / "index", n=n, threads=threads)
        lists = path / "lists.npy"
        self._lists = np.load(lists) if lists.exists() else None


class SymphonyQg(_Rabitq):
    """Graph whose neighbors are compared in batches by quantized codes (rabitqlib)."""

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    _kind = "SymqgIndex"

    def __init__(
        self,
        max_degree: Literal[32, 64, 96, 128] = 32,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
    ) -> None:
        self.max_degree = max_degree
        self.ef_construction = ef_construction
        self._ef = 64
        self.fewest = max_degree + 1

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import rabitqlib

        vectors = _widened(base)
        index = rabitqlib.SymqgIndex(vectors.shape[1], self.max_degree, metric)
        index.build(vectors, self.ef_construction, threads)
        return index

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef = ef

    def ask(self, queries: Vectors, k: int, threads: int) -> Ids:
        ef = self._ef if self._ef > k else k
        ids: Ids = self.index.search(queries, k, ef, threads)[0]
        return ids

    def ask_one(self, query: Vectors, k: int) -> Ids:
        try:
            return super().ask_one(query, k)
        except RuntimeError:
            return reach(super().ask_one, query, k, _TOO_FEW)

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        try:
            return super().ask_many(queries, k)
        except RuntimeError:  # of the whole batch, for one of its queries
            return LibraryIndex.ask_many(self, queries, k)


def _widened(vectors: Vectors) -> Vectors:
    m, d = vectors.shape
    if d >= _SMALLEST:
        return vectors
    wide = np.zeros((m, _SMALLEST), dtype=np.float32)
    wide[:, :d] = vectors
    return wide
