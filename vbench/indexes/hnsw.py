"""HNSW by hnswlib."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import hnswlib
import msgspec
import numpy as np
from msgspec import Meta

from vbench.indexes.protocol import Filter, Graph, Ids, Index, Vectors
from vbench.metric import METRICS, Metric

_TOO_FEW = "Cannot return the results"
_NONE: Ids = np.empty(0, dtype=np.int64)


class Hnsw(Index):
    """Hierarchical navigable small world graph (hnswlib).

    Removed vectors stay in the graph, passed but not answered with; with `replace_deleted` those
    that are added later take their places.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"ef": [16, 32, 64, 128]}
    tune_parameter = "ef"
    clients = "threads"
    requires = ("hnswlib",)
    license = "Apache-2.0"

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=10_000)] = 16,
        ef_construction: Annotated[int, Meta(ge=1, le=100_000)] = 200,
        replace_deleted: bool = False,
    ) -> None:
        self.M = M
        self.ef_construction = ef_construction
        self.replace_deleted = replace_deleted
        self._free = 0
        self._ef = 64
        self._threads = 1
        self.index: Any = None
        self._knn_query: Any = None
        self._hidden: Ids = _NONE
        self._removed: Ids = _NONE

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        return {"ef": n}

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        n, d = base.shape
        self._threads = threads
        index = hnswlib.Index(metric, d)
        index.init_index(
            max_elements=max(1, n),
            M=self.M,
            ef_construction=self.ef_construction,
            random_seed=seed & 0x7FFFFFFF,
            allow_replace_deleted=self.replace_deleted,
        )
        index.set_num_threads(threads)
        if n:
            index.add_items(base, num_threads=threads)
        self._take(index)

    def use_threads(self, threads: int) -> None:
        self._threads = threads
        self.index.set_num_threads(threads)

    def set(self, ef: Annotated[int, Meta(ge=1, le=10_000_000)] = 64) -> None:
        self._ef = ef
        if self.index is not None:
            self.index.set_ef(ef)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        reused = min(self._free, len(ids)) if self.replace_deleted else 0
        needed = self.index.element_count + len(ids) - reused
        if needed > self.index.max_elements:
            self.index.resize_index(needed)
        self.index.add_items(
            vectors, ids, num_threads=self._threads, replace_deleted=self.replace_deleted
        )
        self._free -= reused

    def remove(self, ids: Ids) -> None:
        for label in ids.tolist():
            self.index.mark_deleted(label)
        self._removed = np.concatenate([self._removed, ids])
        self._free += len(ids)

    def allow(self, condition: Filter | None) -> None:
        """Mark what does not pass as deleted, which costs a search less than a call of Python.

        For a single query that would take longer than the search: then hnswlib calls back.
        """
        self._knn_query = self.index.knn_query
        shared = condition is not None and condition.is_shared
        hidden = np.flatnonzero(~condition.mask) if condition is not None and shared else _NONE
        # What was removed is marked already, or another vector has its place.
        if len(hidden) or len(self._hidden):
            self._hide(np.setdiff1d(hidden, self._removed, assume_unique=True))
        if condition is None or shared:
            return
        passes = condition.mask.tobytes().__getitem__
        self._knn_query = functools.partial(self.index.knn_query, filter=passes)

    def _hide(self, hidden: Ids) -> None:
        """Mark these vectors as deleted, and those that are hidden now as not."""
        for label in np.setdiff1d(hidden, self._hidden, assume_unique=True).tolist():
            self.index.mark_deleted(label)
        for label in np.setdiff1d(self._hidden, hidden, assume_unique=True).tolist():
            self.index.unmark_deleted(label)
        self._hidden = hidden

    def search(self, queries: Vectors, k: int) -> Ids:
        try:
            labels, _ = self._knn_query(queries, k, self._threads)
        except RuntimeError as error:
            if _TOO_FEW not in str(error):
                raise
            return self._padded(queries, k)
        ids: Ids = labels.view(np.int64)
        return ids

    def search_one(self, query: Vectors, k: int) -> Ids:
        try:
            labels, _ = self._knn_query(query, k, 1)
        except RuntimeError as error:
            if _TOO_FEW not in str(error):
                raise
            labels = self._padded(query[np.newaxis], k)
        ids: Ids = labels.view(np.int64)[0]
        return ids

    def _padded(self, queries: Vectors, k: int) -> Ids:
        """Answer where fewer than `k` vectors can be reached: hnswlib refuses the whole call.

        Halving the batch finds the queries at fault, halving k what they do reach, with the
        width of search that the refused call had.
        """
        m = len(queries)
        if m > 1:
            halves = (queries[: m // 2], queries[m // 2 :])
            joined: Ids = np.concatenate([self.search(half, k) for half in halves])
            return joined
        ids = np.full((1, k), -1, dtype=np.int64)
        self.index.set_ef(max(self._ef, k))
        low, high = 0, min(k, self.index.element_count)
        while low < high:
            middle = (low + high + 1) // 2
            try:
                ids[:, :middle] = self._knn_query(queries, middle, 1)[0]
                low = middle
            except RuntimeError:
                high = middle - 1
        self.index.set_ef(self._ef)
        return ids

    def size_bytes(self) -> int | None:
        """Bytes of the file that `save` would write."""
        return int(self.index.index_file_size())

    def neighbors(self) -> Graph | None:
        (state,) = self.index.__getstate__()
        n, width = state["cur_element_count"], state["max_M0"]
        if not n:
            return None
        size = state["size_data_per_element"]
        level0 = state["data_level0"].view(np.uint8)[: n * size].reshape(n, size)
        offset = state["offset_level0"]
        counts = level0[:, offset : offset + 2].copy().view(np.uint16)
        links = level0[:, offset + 4 : offset + 4 + 4 * width].copy().view(np.uint32)
        # With several threads the order of insertion is not that of the labels.
        labels = np.empty(n, dtype=np.int32)
        labels[state["label_lookup_internal"]] = state["label_lookup_external"]
        neighbors = np.full((n, width), -1, dtype=np.int32)
        neighbors[labels] = np.where(np.arange(width) < counts, labels[links % n], -1)
        above = np.flatnonzero(state["element_levels"][:n] > 0)
        return Graph(neighbors, labels[np.union1d(above, [state["enterpoint_node"]])])

    def save(self, path: Path) -> None:
        """Write hnswlib's file, and beside it what that does not hold: metric and dimension."""
        self.index.save_index(str(path))
        _beside(path).write_bytes(msgspec.json.encode([self.index.space, self.index.dim]))

    def load(self, path: Path, *, threads: int) -> None:
        self._threads = threads
        space, d = msgspec.json.decode(_beside(path).read_bytes(), type=tuple[str, int])
        index = hnswlib.Index(space, d)
        index.load_index(str(path))
        index.set_num_threads(threads)
        self._take(index)

    def close(self) -> None:
        self.index = self._knn_query = None

    def _take(self, index: Any) -> None:
        self.index = index
        self._knn_query = index.knn_query
        self._hidden = self._removed = _NONE
        index.set_ef(self._ef)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")
