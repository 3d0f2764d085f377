"""Trees of random splits by Annoy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric

_METRICS: dict[Metric, str] = {"l2": "euclidean", "ip": "dot", "cosine": "angular"}


class Annoy(LibraryIndex):
    """Forest of random projection trees (Annoy).

    `search_k` is how many vectors of all trees a query is compared with.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"search_k": [1000, 4000, 16000, 64000]}
    tune_parameter = "search_k"
    requires = ("annoy",)
    clients = "threads"
    module = "annoy"
    license = "Apache-2.0"

    def __init__(self, n_trees: Annotated[int, Meta(ge=1, le=100_000)] = 50) -> None:
        self.n_trees = n_trees
        self.set()

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        from annoy import AnnoyIndex

        index = AnnoyIndex(base.shape[1], _METRICS[metric])
        index.set_seed(seed & 0x7FFFFFFF)
        for row, vector in enumerate(base):
            index.add_item(row, vector)
        index.build(self.n_trees, threads)
        return index

    def set(self, search_k: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 4000) -> None:
        self._search_k = search_k

    def ask_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.index.get_nns_by_vector(query, k, self._search_k)  # a list
        return ids

    def save(self, path: Path) -> None:
        self.index.save(str(path))

    def load(self, path: Path, *, d: int, n: int, metric: Metric, threads: int) -> None:
        from annoy import AnnoyIndex

        index = AnnoyIndex(d, _METRICS[metric])
        index.load(str(path))
        self._threads = threads
        self.take(index, n)
