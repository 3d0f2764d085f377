"""Indexes with a parameter, well behaved or not: what matched recall and tuning must cope with.

Named as `tunable:Name` where this folder is importable. All search a share of the base exactly.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

import vbench
from vbench.metric import Metric


class Kept(vbench.Index):
    """Looks at `keep` 64ths of the base, the rows that were inserted first."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"keep": [8, 32]}
    tune_parameter = "keep"
    keep = 64

    def use_threads(self, threads: int) -> None:
        pass

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        self.base = base

    def set(self, keep: int = 64) -> None:
        self.keep = keep

    def share(self) -> float:
        """How much of the base is looked at."""
        return self.keep / 64

    def search(self, queries: Any, k: int) -> Any:
        kept = self.base[: max(k, round(len(self.base) * min(self.share(), 1.0)))]
        distances = (kept**2).sum(axis=1) - 2.0 * queries @ kept.T
        return np.argsort(distances, axis=1, kind="stable")[:, :k]


class Parts(Kept):
    """Looks at a `part` of the base, which is no whole number."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"part": [0.1, 0.8]}
    tune_parameter = "part"

    def set(self, part: float = 1.0) -> None:
        self.keep = round(64 * part)


class Waits(Kept):
    """Waits in each call, as one does whose core is taken by others."""

    def search_one(self, query: Any, k: int) -> Any:
        time.sleep(1e-4)
        return self.search(query[np.newaxis], k)[0]


class Half(Kept):
    """Never looks at more than half of the base."""

    def share(self) -> float:
        return min(self.keep / 64, 0.5)


class Bumpy(Kept):
    """Looks at less where `keep` is above 20, until it is twice as large."""

    def share(self) -> float:
        return (self.keep if self.keep <= 20 or self.keep > 40 else self.keep / 2) / 64


class Reversed(Kept):
    """The larger its parameter, the less it looks at."""

    def share(self) -> float:
        return 1.0 / self.keep


class KeptUnder(Kept):
    """Looks at its share of the base whatever passes, so that a filter asks for more of it.

    Its vectors may be replaced; of those that come later it looks at none.
    """

    def fit(self, base: Any, metric: Metric, *, seed: int, threads: int) -> None:
        super().fit(base, metric, seed=seed, threads=threads)
        self.passes = self.there = np.ones(len(base), dtype=bool)

    def allow(self, condition: Any) -> None:
        self.passes = np.ones(len(self.base), dtype=bool)
        if condition is not None:
            self.passes = condition.mask[: len(self.base)]

    def add(self, ids: Any, vectors: Any) -> None:
        pass

    def remove(self, ids: Any) -> None:
        self.there = self.there.copy()
        self.there[ids[ids < len(self.there)]] = False

    def search(self, queries: Any, k: int) -> Any:
        found = super().search(queries, round(len(self.base) * min(self.share(), 1.0)))
        good = (self.passes & self.there)[found]
        order = np.argsort(~good, axis=1, kind="stable")[:, :k]
        ids = np.take_along_axis(found, order, axis=1)
        return np.where(np.take_along_axis(good, order, axis=1), ids, -1)


class NeverUnder(KeptUnder):
    """Cannot be set."""

    def set(self, keep: int = 64) -> None:
        raise ValueError("no license")


class FailsAbove(Kept):
    """Raises where `keep` is above 32."""

    def set(self, keep: int = 64) -> None:
        if keep > 32:
            raise ValueError("keep is more than this index can hold")
        self.keep = keep


class Grown(Kept):
    """What it looks at grows with a parameter of the build, too; a larger one searches slower."""

    def __init__(self, growth: int = 1) -> None:
        self.growth = growth

    def share(self) -> float:
        return self.keep * self.growth / 64

    def size_bytes(self) -> int:
        return 1000 * self.growth
