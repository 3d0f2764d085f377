"""Vamana, the graph of DiskANN, in memory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench._leftovers import TemporaryFolder
from vbench.indexes.library import LibraryIndex, cut_zeros, mask_zeros
from vbench.indexes.protocol import Graph, Ids, Vectors
from vbench.metric import Metric


class DiskAnn(LibraryIndex):
    """Vamana graph in memory, built and searched by DiskANN."""

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"complexity": [16, 32, 64, 128]}
    tune_parameter = "complexity"
    requires = ("diskannpy-rust",)
    module = "diskannpy"
    license = "MIT"

    def __init__(
        self,
        graph_degree: Annotated[int, Meta(ge=4, le=512)] = 32,
        build_complexity: Annotated[int, Meta(ge=4, le=100_000)] = 200,
        alpha: Annotated[float, Meta(ge=1, le=10)] = 1.2,
    ) -> None:
        self.graph_degree = graph_degree
        self.build_complexity = build_complexity
        self.alpha = alpha
        self._complexity = 64
        self._folder: TemporaryFolder | None = None

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"complexity": n}

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import diskannpy

        # It writes what it builds, and reads that to search.
        self._folder = TemporaryFolder(purpose="diskann")
        diskannpy.build_async_index(
            base,
            "l2",
            str(self._folder.path),
            complexity=self.build_complexity,
            graph_degree=self.graph_degree,
            alpha=self.alpha,
            num_start_pts=1,
            num_threads=threads,
            graph_slack_factor=1.3,
            max_fp_vecs_per_prune=0,
            # More than one at a time are inserted in an order that nobody knows.
            num_tasks=threads,
            insert_minibatch_size=1,
            pq_seed=seed & 0x7FFFFFFF,
        )
        return self._open(len(base), base.shape[1], threads)

    def _open(self, n: int, d: int, threads: int) -> Any:
        import diskannpy

        assert self._folder is not None
        return diskannpy.AsyncDiskIndex(
            str(self._folder.path),
            num_threads=threads,
            r=self.graph_degree,
            l=self.build_complexity,
            alpha=self.alpha,
            distance_metric="l2",
            vector_dtype=np.float32,
            dimensions=d,
            max_points=n,
        )

    def set(self, complexity: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._complexity = complexity

    def ask_one(self, query: Vectors, k: int) -> Ids:
        found = self.index.search(query, k, self._complexity if self._complexity > k else k)
        return cut_zeros(found.identifiers, found.distances)

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        complexity = max(self._complexity, k)
        found = self.index.batch_search(queries, k, complexity, self._threads)
        return mask_zeros(found.identifiers, found.distances)

    def size_bytes(self) -> int | None:
        """Bytes of the files that a search reads: graph and vectors."""
        return sum(file.stat().st_size for file in self._files())

    def _files(self) -> list[Path]:
        if self._folder is None:
            return []
        return [self._folder.path / name for name in ("ann", "ann.data", "ann_metadata.bin")]

    def neighbors(self) -> Graph | None:
        if self._folder is None:
            return None
        # After a header of 24 bytes the links of each vector, their number first. The vector
        # after the last is no vector of the base: every search begins there.
        stored = np.fromfile(self._folder.path / "ann", dtype=np.uint32, offset=24)
        n, place = self._n, 0
        neighbors = np.full((n, int(self.graph_degree * 1.3)), -1, dtype=np.int32)
        for vector in range(n + 1):
            links = stored[place + 1 : place + 1 + int(stored[place])]
            place += 1 + len(links)
            links = links[links < n]
            if vector < n:
                neighbors[vector, : len(links)] = links
        return Graph(neighbors, links.astype(np.int64))

    def save(self, path: Path) -> None:
        path.mkdir()
        for file in self._files():
            shutil.copy(file, path)

    def load(self, path: Path, *, n: int, d: int, threads: int) -> None:
        self._folder, self._threads = TemporaryFolder(purpose="diskann"), threads
        shutil.copytree(path, self._folder.path, dirs_exist_ok=True)
        self.take(self._open(n, d, threads), n)

    def close(self) -> None:
        super().close()
        if self._folder is not None:
            self._folder.close()
            self._folder = None
