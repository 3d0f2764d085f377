"""Wrappers of VIBE and of big-ann-benchmarks: those of ann-benchmarks with what they do otherwise.

VIBE calls the metrics by other names and may learn from queries; big-ann-benchmarks names a
dataset in place of handing vectors over, and asks in batches alone.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vbench.errors import VbenchError
from vbench.indexes.annb import AnnBenchmarks, BaseANN
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric
from vbench.neighbors.exact import nearest

_DATASET = "vbench"
"""What the vectors are called, which a wrapper of big-ann-benchmarks opens by name."""
_LEARN_NEIGHBORS = 100


class Vibe(AnnBenchmarks):
    """A wrapper of VIBE: its metrics are `euclidean`, `cosine` and `ip`."""

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    names: ClassVar[Mapping[Metric, str]] = {"l2": "euclidean", "cosine": "cosine", "ip": "ip"}


class LearningVibe(Vibe):
    """A wrapper of VIBE that may learn from queries: by its ``fit_ood``, where there are some."""

    _learn: Vectors | None = None

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

    def build(self, base: Vectors, metric: Metric) -> None:
        if self._learn is None:
            if type(self.algorithm).fit is BaseANN.fit:
                raise VbenchError(
                    f"{type(self).__name__} has fit_ood alone: it needs queries to learn from"
                )
            self.algorithm.fit(base)
            return
        depth = min(_LEARN_NEIGHBORS, len(base))
        ids, _ = nearest(self._learn, base, metric, depth, threads=self._threads)
        self.algorithm.fit_ood(base, self._learn, ids)


class BigAnn(AnnBenchmarks):
    """A wrapper of big-ann-benchmarks, which opens the vectors as a dataset and asks in batches."""

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    names: ClassVar[Mapping[Metric, str]] = {"l2": "euclidean", "cosine": "angular", "ip": "ip"}

    def build(self, base: Vectors, metric: Metric) -> None:
        # Many keep their index in a folder that is taken to be there.
        Path("data").mkdir(exist_ok=True)
        datasets: dict[str, Any] = sys.modules["benchmark.datasets"].DATASETS
        datasets[_DATASET] = lambda: DatasetInPlace(base, self.names[metric])
        try:
            self.algorithm.fit(_DATASET)
        finally:
            del datasets[_DATASET]

    def search(self, queries: Vectors, k: int) -> Ids:
        self._enter()
        self.algorithm.query(queries, k)
        ids: Ids = self.algorithm.get_results()
        return ids

    def search_one(self, query: Vectors, k: int) -> Ids:
        found = self.search(query[np.newaxis], k)
        first: Ids = found[0]
        return first


class DatasetInPlace:
    """The vectors that are indexed, as a dataset of big-ann-benchmarks hands them out.

    Its queries are not among it: a wrapper that asked for them would see what it is to answer.
    """

    def __init__(self, base: Vectors, metric: str) -> None:
        self._base, self._metric = base, metric
        self.nb, self.d = base.shape
        self.dtype = "float32"

    def prepare(self, *args: Any, **more: Any) -> None:
        """Nothing is to be downloaded."""

    def get_dataset(self) -> Vectors:
        """All vectors."""
        return self._base

    def get_dataset_iterator(self, bs: int = 512, split: tuple[int, int] = (1, 0)) -> Iterator[Any]:
        """Blocks of so many vectors, of one part of several."""
        parts, part = split
        rows = range(part * self.nb // parts, (part + 1) * self.nb // parts)
        for first in rows[::bs]:
            yield self._base[first : min(first + bs, rows.stop)]

    def get_data_in_range(self, start: int, end: int) -> Vectors:
        """Some vectors."""
        return self._base[start:end]

    def get_dataset_fn(self) -> str:
        """A file of them in the current folder."""
        path = Path("data") / f"{_DATASET}.fbin"
        with path.open("wb") as file:
            np.array(self._base.shape, dtype="<u4").tofile(file)
            np.asarray(self._base, dtype="<f4").tofile(file)
        return str(path)

    def distance(self) -> str:
        """What the metric is called."""
        return self._metric

    def search_type(self) -> str:
        """K nearest neighbors, without a filter."""
        return "knn"

    def data_type(self) -> str:
        """Every number is there."""
        return "dense"

    def short_name(self) -> str:
        """What its folders are called."""
        return _DATASET


class _Base(BaseANN):
    """What wrappers of big-ann-benchmarks inherit from."""

    def load_index(self, dataset: str) -> bool:
        """Say that there is none yet."""
        return False

    def track(self) -> str:
        """Say for which track it is."""
        return "none"

    def get_results(self) -> Any:
        """Ids found by `query`."""
        return self.res


def stand_in_bigann() -> None:
    """Put in the place of big-ann-benchmarks what its wrappers import from it."""

    def refuse(*args: Any, **more: Any) -> None:
        raise VbenchError("a wrapper may download nothing: it is given the vectors of the dataset")

    io = {"download": refuse, "download_accelerated": refuse}
    made: dict[str, dict[str, Any]] = {
        "benchmark": {},
        "benchmark.algorithms": {},
        "benchmark.algorithms.base": {"BaseANN": _Base},
        "benchmark.dataset_io": io,
        "benchmark.datasets": {"DATASETS": {}, "BASEDIR": "data/", **io},
        "neurips23": {},
        "neurips23.ood": {},
        "neurips23.ood.base": {"BaseOODANN": _Base},
    }
    if "benchmark.datasets" in sys.modules:
        return
    for name, members in made.items():
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(members)
        sys.modules[name] = module


def kind_of(file: Path, wrapped: type[Any]) -> type[AnnBenchmarks]:
    """The adapter that a wrapped class needs: by its base class, and by the checkout it lies in."""
    if issubclass(wrapped, _Base):
        return BigAnn
    if len(file.parents) > 2 and file.parents[2].name == "vibe":
        return LearningVibe if hasattr(wrapped, "fit_ood") else Vibe
    return AnnBenchmarks
