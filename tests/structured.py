"""An exact index that shows a graph and lists which a test can read off the vectors."""

from __future__ import annotations

import numpy as np

from vbench.indexes.protocol import Graph, Ids, Index, Vectors
from vbench.metric import Metric


class Ladder(Index):
    """Finds what lies under `reach` in the first coordinate, and misses the rest.

    Vectors are taken to have the coordinates 0, 1, 2, …: each leads to the next one, those from
    `reach` on are cut off, and ten of them make a list.
    """

    def __init__(self, reach: int = 20) -> None:
        self.reach = reach

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.steps = np.rint(base[:, 0]).astype(np.int64)
        self.row_of = np.argsort(self.steps)

    def search(self, queries: Vectors, k: int) -> Ids:
        away = np.abs(self.steps - queries[:, :1])
        away[:, self.steps >= self.reach] = np.inf
        return np.argsort(away, axis=1, kind="stable")[:, :k]

    def neighbors(self) -> Graph:
        following = self.steps + 1
        wanted = (following < len(self.steps)) & (following != self.reach)
        next_row = self.row_of[np.minimum(following, len(self.steps) - 1)]
        return Graph(np.where(wanted, next_row, -1)[:, np.newaxis], self.row_of[:1])

    def lists(self) -> Ids:
        return self.steps // 10


class Named(Index):
    """Has attributes with the names of the optional methods, as an older plug-in may."""

    neighbors = 5
    lists = None

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.n = len(base)

    def search(self, queries: Vectors, k: int) -> Ids:
        return np.tile(np.arange(k), (len(queries), 1))


class Restless(Ladder):
    """Answers at random."""

    def search(self, queries: Vectors, k: int) -> Ids:
        return np.random.default_rng().integers(0, len(self.steps), size=(len(queries), k))


class Astray(Ladder):
    """Shows what is no graph of its vectors."""

    def __init__(self, shows: str = "far") -> None:
        super().__init__()
        self.shows = shows

    def neighbors(self) -> Graph:
        n = len(self.steps)
        wrong = {
            "far": Graph(np.full((n, 1), n + 5), np.array([0])),
            "before": Graph(np.full((n, 1), -1), np.array([-2])),
            "floats": Graph(np.zeros((n, 1)), np.array([0])),
            "short": Graph(np.zeros((3, 1), dtype=int), np.array([0])),
            "words": "nonsense",
        }
        return wrong[self.shows]  # type: ignore[return-value]
