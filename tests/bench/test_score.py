"""Scoring: hits, ratio and counts of one trial."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import gaussian_pair

from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import compute_ground_truth
from vbench.metric import METRICS, Metric, distance


def scorer(metric: Metric, base: np.ndarray, queries: np.ndarray, depth: int) -> Scorer:
    all_distances = distance(queries[:, np.newaxis], base[np.newaxis], metric)
    order = np.argsort(all_distances, axis=1, kind="stable")[:, :depth]
    truth = GroundTruth(order.astype(np.int32), np.take_along_axis(all_distances, order, axis=1))
    return Scorer(Dataset("tiny", base, queries, metric), truth, "exact-tie")


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(["l2", "ip", "cosine"]), st.integers(0, 2**32 - 1))
def test_ratio_is_the_quotient_of_sums_in_euclidean_space(metric: Metric, seed: int) -> None:
    """Against a plain computation: `cosine` by chords, `ip` lifted, a pad contributes nothing."""
    rng = np.random.default_rng(seed)
    base, queries = pair = gaussian_pair(30, 5, 4, seed)
    ids = np.stack([rng.permutation(30)[:6] for _ in range(5)])
    ids[0, 3:] = -1
    if metric == "ip":
        norms = (base.astype(float) ** 2).sum(axis=1)
        lifted = np.hstack([base, np.sqrt(norms.max() - norms)[:, np.newaxis]])
        far = distance(np.hstack([queries, np.zeros((5, 1))])[:, None], lifted[None], "l2")
    else:
        if metric == "cosine":
            base, queries = (each / np.linalg.norm(each, axis=1)[:, None] for each in pair)
        far = distance(queries[:, None], base[None], "l2")
    expected = [
        np.sort(far[q])[: (row >= 0).sum()].sum()
        / far[q][row[row >= 0]].sum()
        * (row >= 0).sum()
        / 6
        for q, row in enumerate(ids)
    ]
    got = scorer(metric, *pair, 12).score(ids).ratio
    assert got == pytest.approx(expected, rel=1e-6)


def rank_key(query: np.ndarray, vector: np.ndarray, metric: Metric) -> Fraction:
    """A number that is smaller for nearer vectors, exactly, in whole numbers and fractions."""
    q, x = [int(value) for value in query], [int(value) for value in vector]
    dot = sum(a * b for a, b in zip(q, x, strict=True))
    if metric == "l2":
        return Fraction(sum((a - b) ** 2 for a, b in zip(q, x, strict=True)))
    if metric == "ip":
        return Fraction(-dot)
    # The square of the cosine, with its sign, times the square of the query's length.
    return Fraction(-dot * abs(dot), sum(value * value for value in x))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["l2", "ip", "cosine"]),
    st.sampled_from([np.int8, np.uint8, np.float16, np.float32]),
    st.integers(1, 40),
    st.integers(1, 12),
    st.integers(0, 2**32 - 1),
)
def test_hits_follow_the_rules_on_data_full_of_ties(
    metric: Metric, dtype: type, n: int, k: int, seed: int
) -> None:
    """Against the definition in exact arithmetic: distinct ids not farther than the k-th count.

    From the vectors to the hits, with a truth that often ends inside a tie; answers have repeats,
    pads and any order.
    """
    rng = np.random.default_rng(seed)
    k = min(k, n)
    low = 0 if dtype is np.uint8 else -2
    base, queries = (rng.integers(low, 3, size=(rows, 3)).astype(dtype) for rows in (n, 6))
    for vectors in (base, queries):
        vectors[~vectors.any(axis=1)] = 1  # a zero vector has no cosine
    dataset = Dataset("tied", base, queries, metric)
    truth = compute_ground_truth(dataset, int(rng.integers(k, n + 1)), threads=1, cache=False)
    ids = rng.integers(-1, n, size=(len(queries), k))
    scored = Scorer(dataset, truth, "exact-tie").score(ids)
    by_id = Scorer(dataset, truth, "id").score(ids)
    for row, query in enumerate(queries):
        keys = [rank_key(query, vector, metric) for vector in base]
        # Of exact ties the truth may take any: in float64 they differ in the last bit.
        true = truth.ids[row].tolist()
        assert [keys[item] for item in true] == sorted(keys)[: truth.depth]
        assert len(set(true)) == truth.depth
        given_ids = {int(item) for item in ids[row] if item >= 0}
        near = {item for item in given_ids if keys[item] <= keys[true[k - 1]]}
        assert scored.hits[row] == min(k, len(near))
        assert by_id.hits[row] == len(given_ids & set(true[:k]))


def test_counts_of_pads_repeats_and_ties() -> None:
    """What the rules of hits pass over in silence is counted."""
    base = np.float32([[0.0], [1.0], [-1.0], [3.0]])
    result = scorer("l2", base, np.float32([[0.0], [3.0]]), 4).score(np.array([[0, 0], [3, -1]]))
    assert result.duplicates == 1
    assert result.pads == 1
    assert result.ties == 1
    assert result.hits.tolist() == [1, 1]
    assert result.ratio.tolist() == [0.5, 0.5]


def test_ties_are_found_where_the_truth_is_all_ties() -> None:
    """With a truth full of copies, an id beyond it is recognized from the stored vectors."""
    base = np.float32([[1.0]] * 8 + [[2.0]])
    result = scorer("l2", base, np.float32([[0.0]]), 3).score(np.array([[7, 8]]))
    assert result.hits.tolist() == [1]


@pytest.mark.parametrize("length", [1.0, 3.0])
def test_the_ratio_of_unit_vectors_is_one_under_each_metric(length: float) -> None:
    """The same ids have the same ratio; of a vector that is the query it is 1, not a rounding."""
    rng = np.random.default_rng(3)
    base, queries = (rng.normal(size=(rows, 5)) for rows in (40, 6))
    base, queries = (each / np.linalg.norm(each, axis=1)[:, None] for each in (base, queries))
    base[:4] = queries[:4]
    ids = np.stack([rng.permutation(40)[:5] for _ in queries])
    ids[:4, 0] = np.arange(4)
    arrays = (length * base).astype(np.float32), (length * queries).astype(np.float32)
    l2, ip, cosine = (scorer(each, *arrays, 12).score(ids).ratio for each in METRICS)
    assert l2 == pytest.approx(cosine, rel=1e-5)
    assert l2 == pytest.approx(ip, rel=1e-2)  # the lift of lengths that float32 rounds
    for metric in METRICS:
        alone = scorer(metric, *arrays, 12).score(np.arange(4)[:, None][[0, 1, 2, 3, 0, 0]])
        assert alone.ratio[:4].tolist() == [1.0] * 4


def test_parallel_vectors_are_equally_near_under_cosine() -> None:
    """Their roundings, of which a square root would make 1e-8, are no distance."""
    query = np.float32([[0.3, 0.7, 0.9]])
    base = np.vstack([query * factor for factor in np.float32([1, 3, 5, 7, 11, 13])])
    found = scorer("cosine", base, query, 3).score(np.array([[5, 4]]))
    assert (found.hits.tolist(), found.ratio.tolist()) == ([2], [1.0])
