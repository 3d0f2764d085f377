"""ScaNN: inverted lists with anisotropic quantization, the best reordered exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench._plugins import installed_version
from vbench.indexes.faiss_ivf import Lists, Probes, count_lists
from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_MEASURES: dict[Metric, str] = {"l2": "squared_l2", "ip": "dot_product"}
_CODES = 16


class Scann(LibraryIndex):
    """Inverted lists of anisotropically quantized vectors, the best reordered exactly (ScaNN).

    `reorder` are compared with the whole vectors. A batch on one thread is searched one by one:
    ScaNN's own batch answers some queries otherwise than they are answered alone.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "ip"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"leaves_to_search": [4, 8, 16, 32]}
    tune_parameter = "leaves_to_search"
    # Two distributions have it, the latter without TensorFlow.
    requires = ("scann-core" if installed_version("scann-core") else "scann",)
    clients = "threads"
    seeded = False  # it takes no seed, and of two builds alike some answers differ now and then
    module = "scann"
    license = "Apache-2.0"
    fewest = _CODES  # it has as many codes for each part of a vector

    def __init__(
        self,
        num_leaves: Lists | None = None,
        dimensions_per_block: Annotated[int, Meta(ge=1, le=64)] | None = None,
        anisotropic_quantization_threshold: Annotated[float, Meta(ge=0, le=1)] | None = None,
    ) -> None:
        self.num_leaves = num_leaves
        # As its own guide has them.
        self.dimensions_per_block = dimensions_per_block or 2
        threshold = anisotropic_quantization_threshold
        self.anisotropic_quantization_threshold = 0.2 if threshold is None else threshold
        self._leaves_to_search = 8
        self._reorder = 100

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"leaves_to_search": count_lists(build.get("num_leaves"), n), "reorder": n}

    def use_threads(self, threads: int) -> None:
        super().use_threads(threads)
        if hasattr(self.index, "set_num_threads"):
            self.index.set_num_threads(threads)

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        from scann.scann_ops.py import scann_ops_pybind

        leaves = count_lists(self.num_leaves, len(base))
        builder = scann_ops_pybind.builder(base, 10, _MEASURES[metric])
        builder = (
            builder.set_n_training_threads(threads)
            .tree(leaves, min(8, leaves), training_sample_size=max(250_000, 100 * leaves))
            .score_ah(
                self.dimensions_per_block,
                anisotropic_quantization_threshold=self.anisotropic_quantization_threshold,
            )
            .reorder(100)
        )
        index = builder.build()
        index.set_num_threads(threads)
        return index

    def set(
        self,
        leaves_to_search: Probes = 8,
        reorder: Annotated[int, Meta(ge=1, le=10_000_000)] = 100,
    ) -> None:
        self._leaves_to_search = leaves_to_search
        self._reorder = reorder

    def ask_one(self, query: Vectors, k: int) -> Ids:
        reorder = self._reorder if self._reorder > k else k
        ids: Ids = self.index.search(query, k, reorder, self._leaves_to_search)[0]
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        if self._threads == 1:
            return super().ask_many(queries, k)
        reorder = max(self._reorder, k)
        ids, distances = self.index.search_batched_parallel(
            queries, k, reorder, self._leaves_to_search
        )
        return np.where(np.isfinite(distances), ids.astype(np.int64), -1)

    def save(self, path: Path) -> None:
        path.mkdir()
        self.index.serialize(str(path))

    def load(self, path: Path, *, n: int, threads: int) -> None:
        from scann.scann_ops.py import scann_ops_pybind

        self._threads = threads
        self.take(scann_ops_pybind.load_searcher(str(path)), n)
        self.index.set_num_threads(threads)
