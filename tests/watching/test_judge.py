"""One search beside the exact one: the rules of a run."""

from __future__ import annotations

import numpy as np
from vectors import gaussian_pair

import vbench
from vbench.data.ground_truth import compute_ground_truth
from vbench.testing import score
from vbench.watching.judge import exact_of_dataset, judge

BASE, QUERIES = gaussian_pair(300, 60, 6, seed=3)


def test_each_query_counts_as_in_a_run() -> None:
    """Ties, repeats and pads as well: the mean over queries is the measure of all of them."""
    base = np.concatenate([BASE, BASE[:40]])
    data = vbench.load(base, queries=QUERIES, metric="l2")
    truth = compute_ground_truth(data, 10, cache=False)
    rng = np.random.default_rng(4)
    ids = np.where(rng.random((60, 10)) < 0.7, truth.ids[:, :10], rng.integers(-1, 340, (60, 10)))
    twin = (ids < 40) & (ids >= 0) & (rng.random(ids.shape) < 0.5)
    ids = np.where(twin, ids + 300, ids)
    for name in ("Recall@10", "Robustness(delta=0.7)@10", "Failure@10"):
        measure = vbench.measures.grammar.parse(name)
        seen = []
        for row, query in enumerate(QUERIES):
            exact, distances = exact_of_dataset(data, query, 10, None)
            assert (exact == truth.ids[row, :10]).all()
            seen.append(measure.per_query(judge(data, query, ids[row], exact, distances))[0])
        assert np.mean(seen) == score(name, ids, base, QUERIES, "l2")


def test_without_distances_ids_decide() -> None:
    """Also ids that the dataset does not have."""
    data = vbench.load(BASE, queries=QUERIES, metric="l2")
    truth = np.array([900, 5, 7, -1])
    found = judge(data, QUERIES[0], np.array([900, 5, 8, 7]), truth, None)
    assert found.hits.tolist() == [3]
    assert found.allowed is not None
    assert found.allowed.tolist() == [3]
