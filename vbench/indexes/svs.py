"""Vamana by Intel's Scalable Vector Search."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta

from vbench._leftovers import TemporaryFolder
from vbench.indexes.library import LibraryIndex
from vbench.indexes.protocol import Graph, Ids, Vectors
from vbench.metric import METRICS, Metric

_DISTANCES: dict[Metric, str] = {"l2": "L2", "ip": "MIP", "cosine": "Cosine"}
_HEADER = 1024


class SvsVamana(LibraryIndex):
    """Vamana graph (Intel's Scalable Vector Search).

    `alpha` above 1 prunes distances; of a similarity its inverse is taken. Without it the library
    takes what it advises: 1.2 for distances, 0.95 for similarities.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"search_window_size": [16, 32, 64, 128]}
    tune_parameter = "search_window_size"
    requires = ("scalable-vs",)
    module = "svs"
    license = "proprietary (Intel Simplified Software License)"

    def __init__(
        self,
        graph_max_degree: Annotated[int, Meta(ge=4, le=512)] = 32,
        window_size: Annotated[int, Meta(ge=4, le=100_000)] = 200,
        alpha: Annotated[float, Meta(ge=1, le=10)] | None = None,
    ) -> None:
        self.graph_max_degree = graph_max_degree
        self.window_size = window_size
        self.alpha = alpha
        self._search_window_size = 64

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"search_window_size": n}

    use_threads = None  # type: ignore[assignment]
    """Its threads are those that it is opened with."""

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        import svs

        pruning = {}
        if self.alpha is not None:
            pruning["alpha"] = self.alpha if metric == "l2" else 1 / self.alpha
        parameters = svs.VamanaBuildParameters(
            graph_max_degree=self.graph_max_degree, window_size=self.window_size, **pruning
        )
        distance = getattr(svs.DistanceType, _DISTANCES[metric])
        index = svs.Vamana.build(parameters, base, distance, num_threads=threads)
        index.search_window_size = self._search_window_size
        return index

    def set(self, search_window_size: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._search_window_size = search_window_size
        if self.index is not None:
            self.index.search_window_size = search_window_size

    def ask_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.index.search(query, k)[0][0]
        return ids

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        ids: Ids = self.index.search(queries, k)[0]
        return ids

    def neighbors(self) -> Graph | None:
        if self.index is None:
            return None
        folder = TemporaryFolder(purpose="svs")
        self.save(folder.path / "index")
        (file,) = (folder.path / "index" / "graph").glob("*.svs")
        rows = np.fromfile(file, dtype=np.uint32, offset=_HEADER).reshape(self._n, -1)
        stored = tomllib.loads((folder.path / "index/config/svs_config.toml").read_text())
        folder.close()
        # Each row begins with how many there are.
        counts, links = rows[:, :1], rows[:, 1:].astype(np.int32)
        links[np.arange(links.shape[1]) >= counts] = -1
        return Graph(links, np.array([stored["object"]["entry_point"]]))

    def save(self, path: Path) -> None:
        path.mkdir()
        self.index.save(*(str(path / part) for part in ("config", "graph", "data")))

    def load(self, path: Path, *, n: int, metric: Metric, threads: int) -> None:
        import svs

        self._threads = threads
        index = svs.Vamana(
            str(path / "config"),
            svs.GraphLoader(str(path / "graph")),
            svs.VectorDataLoader(str(path / "data"), svs.DataType.float32),
            getattr(svs.DistanceType, _DISTANCES[metric]),
            num_threads=threads,
        )
        self.take(index, n)
