"""Indexes that promise a recall, and keep it or not; named as `claiming:Name`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import numpy as np
from tunable import Kept

from vbench.metric import Metric

_MEAN = re.compile(r"Recall@\d+>=(.+)")


class Honest(Kept):
    """Looks at as much of the base as the promise takes, and a little more; that is its estimate.

    Neighbors lie anywhere in the base, so that this is the recall to be expected.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2"})
    asked = 0

    def claim(self, target: str) -> dict[str, Any]:
        wanted = _MEAN.fullmatch(target)
        if wanted is None:
            raise ValueError("mean recall alone is promised")
        return {"keep": min(64, int(64 * float(wanted[1])) + 4)}

    def search(self, queries: Any, k: int) -> Any:
        self.asked = len(queries)
        return super().search(queries, k)

    def estimates(self) -> Any:
        return np.full(self.asked, self.share())


class Silent(Honest):
    """Promises the same, and estimates nothing."""

    def estimates(self) -> Any:
        return None


class Lying(Honest):
    """Looks at half of the base, and says that it finds nearly everything."""

    def claim(self, target: str) -> dict[str, Any]:
        return {"keep": 32}

    def estimates(self) -> Any:
        return np.full(self.asked, 0.99)


class Knowing(Honest):
    """Knows how many of the neighbors of each query it has looked at."""

    def search(self, queries: Any, k: int) -> Any:
        found = super().search(queries, k)
        distances = (self.base**2).sum(axis=1) - 2.0 * queries @ self.base.T
        exact = np.argsort(distances, axis=1, kind="stable")[:, :k]
        pairs = zip(found, exact, strict=True)
        self.known = np.array([len({*one} & {*other}) / k for one, other in pairs])
        return found

    def estimates(self) -> Any:
        return self.known


class Careless(Honest):
    """Proposes a parameter that it does not have."""

    def claim(self, target: str) -> dict[str, Any]:
        return {"width": 3}


class Wordy(Honest):
    """Proposes words."""

    def claim(self, target: str) -> Any:
        return "keep=32"


class Boasting(Honest):
    """Estimates more than all."""

    def estimates(self) -> Any:
        return np.full(self.asked, 1.5)


class Short(Honest):
    """Estimates the recall of one query, whatever it was asked."""

    def estimates(self) -> Any:
        return [0.9]
