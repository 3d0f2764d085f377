"""Recall tests of real builds of HNSW, which had no part in choosing their constants."""

from __future__ import annotations

import hnswlib
import numpy as np
import pytest

from vbench.neighbors.exact import nearest
from vbench.testing import Decision, decide

N, M, D, BUILDS, TESTS = 2_000, 100, 16, 150, 2_000
GOOD, BAD = 40, 34
"""Width of the search."""


@pytest.fixture(scope="module", params=["fixed", "fresh"])
def pools(request: pytest.FixtureRequest) -> dict[int, np.ndarray]:
    """Recall of builds with seed and order of their own: of the same vectors, or of fresh ones."""
    found: dict[int, list[float]] = {GOOD: [], BAD: []}
    for seed in range(BUILDS):
        rng = np.random.default_rng(seed if request.param == "fresh" else 0)
        base, queries = (rng.normal(size=(size, D)).astype(np.float32) for size in (N, M))
        truth = nearest(queries, base, "l2", 10)[0]
        index = hnswlib.Index("l2", D)
        index.init_index(N, M=4, ef_construction=20, random_seed=seed)
        order = np.random.default_rng(seed).permutation(N)
        index.add_items(base[order], order, num_threads=1)
        for ef, values in found.items():
            index.set_ef(ef)
            ids = index.knn_query(queries, 10, num_threads=1)[0].astype(np.int64)
            values.append(float((ids[:, :, np.newaxis] == truth[:, np.newaxis]).any(axis=2).mean()))
    return {ef: np.array(values) for ef, values in found.items()}


def decisions_of(values: np.ndarray, reference: float, loss: float) -> list[Decision]:
    """Many tests, whose builds are drawn from a pool."""
    generators = [np.random.default_rng(seed) for seed in range(TESTS)]
    return [
        decide(lambda _, rng=rng: float(rng.choice(values)), reference, loss=loss)
        for rng in generators
    ]


@pytest.mark.slow
def test_real_builds_are_told_as_rarely_wrong_as_stated(pools: dict[int, np.ndarray]) -> None:
    """At most 1 % of good ones are lost and of bad ones kept, with eight builds on average."""
    reference, loss = pools[GOOD].mean(), pools[GOOD].mean() - pools[BAD].mean()
    good, bad = (decisions_of(pools[ef], reference, loss) for ef in (GOOD, BAD))
    assert sum(each.outcome == "lost" for each in good) <= 0.01 * TESTS
    assert sum(each.outcome == "kept" for each in bad) <= 0.01 * TESTS
    # The loss of which the error rates of a fixed threshold are known is 1.76 such spreads.
    if loss >= 1.76 * max(values.std(ddof=1) for values in pools.values()):
        assert np.mean([len(each.builds) for each in good + bad]) <= 8.0
    assert sum(each.outcome == "undecided" for each in good + bad) <= 0.01 * TESTS
