"""Graph of nearest neighbors by PyNNDescent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Graph, Ids, Vectors
from vbench.metric import Metric


class PyNNDescent(LibraryIndex):
    """Graph of nearest neighbors, found by descent and pruned (PyNNDescent).

    Much of it is compiled anew in each process, half a minute long: on a few vectors, before
    anything is timed. What it calls inner product is that of vectors of length 1.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"epsilon": [0.0, 0.1, 0.2, 0.4]}
    tune_parameter = "epsilon"
    requires = ("pynndescent",)
    module = "pynndescent"
    license = "BSD-2-Clause"
    fewest = 64  # its trees need some
    _is_compiled: ClassVar[bool] = False

    def __init__(
        self,
        n_neighbors: Annotated[int, Meta(ge=2, le=512)] = 30,
        pruning_degree_multiplier: Annotated[float, Meta(gt=0, le=16)] = 1.5,
        diversify_prob: Annotated[float, Meta(ge=0, le=1)] = 1.0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.pruning_degree_multiplier = pruning_degree_multiplier
        self.diversify_prob = diversify_prob
        self._epsilon = 0.1
        if not PyNNDescent._is_compiled:
            few = np.random.default_rng(0).standard_normal((256, 8), dtype=np.float32)
            self.build(few, "l2", seed=0, threads=1).query(few[:1], k=1)
            PyNNDescent._is_compiled = True

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import numba
        import pynndescent

        numba.set_num_threads(threads)
        index = pynndescent.NNDescent(
            base,
            metric="euclidean",
            n_neighbors=min(self.n_neighbors, len(base) - 1),
            pruning_degree_multiplier=self.pruning_degree_multiplier,
            diversify_prob=self.diversify_prob,
            random_state=seed & 0x7FFFFFFF,
            n_jobs=threads,
        )
        index.prepare()
        numba.set_num_threads(threads)
        return index

    def use_threads(self, threads: int) -> None:
        import numba

        super().use_threads(threads)
        numba.set_num_threads(threads)

    def set(self, epsilon: Annotated[float, Meta(ge=0, le=10)] = 0.1) -> None:
        self._epsilon = epsilon

    def ask_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.index.query(query[np.newaxis], k, self._epsilon)[0][0]
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        ids: Ids = self.index.query(queries, k, self._epsilon)[0]
        return ids

    def neighbors(self) -> Graph | None:
        graph = getattr(self.index, "_search_graph", None)
        if graph is None:
            return None
        # Its vectors lie in the order of a tree, whose leaves are where a search enters.
        order = self.index._vertex_order
        counts = np.diff(graph.indptr)
        neighbors = np.full((len(order), int(counts.max())), -1, dtype=np.int32)
        links = np.full_like(neighbors, -1)
        links[np.arange(links.shape[1]) < counts[:, np.newaxis]] = order[graph.indices]
        neighbors[order] = links
        return Graph(neighbors, np.arange(len(order)))
