"""Pools of many builds of one index, from which a simulation draws: recall of every query."""

from __future__ import annotations

from typing import NamedTuple

import hnswlib
import numpy as np

import vbench
from vbench.metric import FloatArray

K = 10
BUILDS = 120


class Pool(NamedTuple):
    """Recall@10 of every query in every build, float64 (builds, m); hits are 10 times that."""

    recall: FloatArray

    def draw(self, rng: np.random.Generator, builds: int, m: int) -> FloatArray:
        """Some builds, each once, over some queries of the pool."""
        return next(draw_together(rng, [self], builds, m))

    def cvar(self, alpha: float = 0.05) -> float:
        """Mean over the builds of the mean recall of the worst queries."""
        size = round(alpha * self.recall.shape[1])
        return float(np.sort(self.recall, axis=1)[:, :size].mean())


def draw_together(rng, pools, builds, m):
    """Builds of each pool, over the same queries."""
    queries = rng.integers(0, pools[0].recall.shape[1], m)
    for pool in pools:
        yield pool.recall[rng.choice(len(pool.recall), builds, replace=False)][:, queries]


def made_pool(hardest=0.1, hard=0.1, rest=0.95, drift=0.15, skew=0.5, seed=0, m=4000):
    """Beta-binomial hits: queries differ in difficulty, builds in quality, and some is chance.

    Parameters
    ----------
    hardest, hard, rest
        Mean recall of the hardest query, the share of queries that are hard, and the mean recall
        of all others. Which queries are hard is the same in every pool of `m` queries.
    drift, skew
        Standard deviation of the builds on the logit scale, and how skew it is: a few builds are
        much worse than the others.
    """
    rng = np.random.default_rng(seed)
    ease = (np.arange(m) + 0.5) / m
    mean = np.where(ease < hard, hardest + (rest - hardest) * 0.6 * (ease / hard) ** 2, rest)
    shape = 4.0 / skew**2
    shifts = (shape - rng.gamma(shape, size=(BUILDS, 1))) / np.sqrt(shape)
    share = 1.0 / (1.0 + np.exp(-np.log(mean / (1.0 - mean)) - drift * shifts))
    return Pool(rng.binomial(K, rng.beta(8.0 * share, 8.0 * (1.0 - share))) / K)


def hnsw_pool(ef, builds=BUILDS, n=3000, m=2000):
    """Builds of HNSW over a part of `books`, each with its own seed and insertion order."""
    books = vbench.load("books")
    rng = np.random.default_rng(0)
    base = np.asarray(books.base)[rng.choice(50_000, n, replace=False)].astype(np.float32)
    queries = np.asarray(books.queries)[rng.choice(6_968, m, replace=False)].astype(np.float32)
    squares = np.square(base).sum(axis=1)
    lifted = np.column_stack([base, np.sqrt(squares.max() - squares)])
    asked = np.column_stack([queries, np.zeros(m, np.float32)])
    right = np.zeros((m, n), bool)
    np.put_along_axis(right, np.argpartition(-queries @ base.T, K, axis=1)[:, :K], True, axis=1)
    recall = []
    for seed in range(builds):
        order = np.random.default_rng(seed).permutation(n)
        index = hnswlib.Index("l2", lifted.shape[1])
        index.init_index(n, M=4, ef_construction=40, random_seed=seed)
        index.set_num_threads(1)
        index.add_items(lifted[order], order)
        index.set_ef(ef)
        found = index.knn_query(asked, K)[0].astype(np.intp)
        recall.append(np.take_along_axis(right, found, axis=1).mean(axis=1))
    return Pool(np.stack(recall))
