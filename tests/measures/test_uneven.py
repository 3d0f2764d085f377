"""Measures where queries have fewer than K neighbors to find: each as if it were asked alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.answers import Answers
from vbench.measures.grammar import parse
from vbench.measures.hits import Rule
from vbench.measures.sample import Sample
from vbench.metric import METRICS, Metric
from vbench.neighbors.exact import nearest
from vbench.workloads.allowed import Allowed
from vbench.workloads.views import find_neighbors

N, M, K = 30, 9, 5


def answers_of(dataset: Dataset, truth: GroundTruth, rule: Rule, ids: np.ndarray) -> Answers:
    score = Scorer(dataset, truth, rule).score(ids)
    return Answers(
        k=ids.shape[1],
        ids=ids,
        hits=score.hits,
        truth_ids=truth.ids,
        truth_distances=truth.distances,
        metric=dataset.metric,
        rule=rule,
        ratio=score.ratio,
        latency_ns=np.ones((len(ids), 1), dtype=np.int64),
        place=score.place,
        allowed=truth.allowed,
    )


def ask(seed: int, metric: Metric, rule: Rule) -> tuple[Dataset, Allowed, Answers]:
    """Answers under a condition that leaves 0 to many vectors, many of them of equal distance."""
    rng = np.random.default_rng(seed)
    base = rng.integers(1, 4, (N, 2)).astype(np.float32)
    dataset = Dataset("made", base, rng.integers(1, 4, (M, 2)).astype(np.float32), metric)
    lists = [np.sort(rng.choice(N, rng.integers(N // 2, N + 1), replace=False)) for _ in range(M)]
    lists[0] = np.arange(N)
    allowed = Allowed(
        n=N,
        m=M,
        excluded_ends=np.cumsum([len(each) for each in lists]),
        excluded=np.concatenate(lists).astype(np.int64),
    )
    deep = GroundTruth(*nearest(dataset.queries, base, metric, N))
    truth = find_neighbors(dataset, deep, allowed, 2 * K).truth
    ids = np.full((M, K), -1, dtype=np.int64)
    for row in range(M):
        passing = np.flatnonzero(allowed.of_query(row))
        some = rng.permutation(passing)[: rng.integers(0, K + 1)]
        ids[row, : len(some)] = some
    return dataset, allowed, answers_of(dataset, truth, rule, ids)


NAMES = (
    "Recall@{k}",
    "Robustness(delta=0.7)@{k}",
    "Robustness(delta=0.9)@{k}",
    "Failure@{k}",
    "MRR@{k}",
    "MAP@{k}",
    "nDCG@{k}",
    "Ratio@{k}",
)


@given(
    seed=st.integers(0, 10_000),
    metric=st.sampled_from(METRICS),
    rule=st.sampled_from(("exact-tie", "id")),
)
@settings(max_examples=60, deadline=None)
def test_a_query_is_worth_what_it_is_worth_over_the_vectors_it_may_have(
    seed: int, metric: Metric, rule: Rule
) -> None:
    """Each measure of each query is that of a base of the vectors that pass, at min(K, of them)."""
    dataset, allowed, answers = ask(seed, metric, rule)
    for row in range(M):
        passing = np.flatnonzero(allowed.of_query(row))
        of = min(K, len(passing))
        if of > 0:
            one = Dataset("one", dataset.base[passing], dataset.queries[row : row + 1], metric)
            truth = GroundTruth(*nearest(one.queries, one.base, metric, len(passing)))
            kept = answers.ids[row][answers.ids[row] >= 0]
            ids = np.full((1, of), -1, dtype=np.int64)
            ids[0, : len(kept)] = np.searchsorted(passing, kept)
            rest = answers_of(one, truth, rule, ids)
        for name in NAMES:
            found = parse(name.format(k=K)).per_query(answers)[row]
            if of == 0:
                left_out = {"Robustness": 1.0, "Failure": 0.0}.get(name.split("@")[0].split("(")[0])
                assert math.isnan(found) if left_out is None else found == left_out
                continue
            if name.startswith("Ratio") and metric == "ip":
                continue  # the lengths of all vectors are part of its definition
            alone = parse(name.format(k=of)).per_query(rest)[0]
            assert found == pytest.approx(alone, abs=1e-12), name


def test_queries_without_anything_to_find_are_left_out_of_means_and_tails() -> None:
    """Recall, CVaR, percentiles and order leave them out; Robustness counts them as served."""
    _, _, answers = ask(3, "l2", "exact-tie")
    assert answers.possible()[0] == 0
    rest = answers.of_queries(np.flatnonzero(answers.possible() > 0))
    for name in ("Recall@5", "CVaR(alpha=0.2)@5", "Percentile(p=10)@5", "nDCG@5", "MAP@5"):
        measure = parse(name)
        assert measure.value(answers) == measure.value(rest)
        whole, part = (Sample([each]).estimate(measure) for each in (answers, rest))
        assert whole == part
    robust = parse("Robustness(delta=0.9)@5")
    served = robust.per_query(rest).sum() + (answers.possible() == 0).sum()
    assert robust.value(answers) == served / M
    assert Sample([answers, answers]).estimate(robust).value == served / M
