"""Indexes that learn from queries, well behaved or not: what runs and the conformance kit must see.

Named as `learners:Name` where this folder is importable.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from misbehaving import Exact

from vbench.metric import Metric


class Needed(Exact):
    """Looks at `keep` of the base: first what the queries that it learned from need."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"keep": [0.25, 1.0]}
    tune_parameter = "keep"
    keep = 1.0

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any = None) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.order = np.arange(len(base))
        if learn is not None and len(base):
            needs = np.bincount(self.nearest(learn, 10).ravel() + 1, minlength=len(base) + 1)[1:]
            self.order = np.argsort(-needs, kind="stable")
        self.base = base[self.order]

    def set(self, keep: float = 1.0) -> None:
        self.keep = keep

    def search(self, queries: Any, k: int) -> Any:
        whole = self.base
        self.base = whole[: max(1, int(len(whole) * self.keep))]
        ids = self.nearest(queries, k)
        self.base = whole
        return np.where(ids < 0, -1, self.order[ids]) if len(whole) else ids


class Needs(Needed):
    """The same, and cannot do without."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any) -> None:
        super().fit(base, metric, seed=seed, threads=threads, learn=learn)


class Idle(Exact):
    """Takes queries to learn from, and makes nothing of them."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any = None) -> None:
        super().fit(base, metric, seed=seed, threads=threads)


class Remembers(Needed):
    """Answers what it learned from by heart, and others by what was inserted first."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any = None) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.known = set() if learn is None else {query.tobytes() for query in learn}

    def search(self, queries: Any, k: int) -> Any:
        ids = self.nearest(queries, k)
        for row, query in enumerate(queries):
            if self.known and query.tobytes() not in self.known:
                ids[row] = np.arange(k) if k <= len(self.base) else ids[row]
        return ids


class ChangesLearn(Idle):
    """Writes over the queries it learns from, even where they are marked read-only."""

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any = None) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        if learn is not None:
            ctypes.memset(learn.ctypes.data, 0, 8)


class Asks(Exact):
    """Refuses to be built where it is shown a query of the file that `asked` names."""

    def __init__(self, asked: str) -> None:
        self.asked = asked

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int, learn: Any) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        assert not learn.flags.writeable
        asked = {query.tobytes() for query in np.load(self.asked)}
        assert not [query for query in learn if query.tobytes() in asked]
