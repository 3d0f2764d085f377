"""Two answers as one: what two trials find together, against counting it by hand."""

from __future__ import annotations

import numpy as np
from answers_factory import from_ids
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset, GroundTruth
from vbench.measures.answers import Answers
from vbench.measures.hits import RULES, Rule
from vbench.measures.order import MAP, MRR, nDCG
from vbench.measures.recall import Recall
from vbench.measures.unions import exact_of, route, unite


def random_ids(rng: np.random.Generator, m: int, k: int, n: int) -> np.ndarray:
    """Answers with right ids, wrong ones, pads, and repeats."""
    return rng.integers(-1, n, size=(m, k))


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_hits_of_a_union_are_the_true_ids_that_either_found(seed: int, k: int) -> None:
    """|T ∩ (A ∪ B)|, whatever pads and repeats the answers hold."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.permutation(12) for _ in range(8)])
    a, b = (from_ids(random_ids(rng, 8, k, 12), truth) for _ in range(2))
    united = unite(a, b)
    wanted = [
        len(set(true[:k].tolist()) & ({*one.tolist()} | {*other.tolist()}))
        for true, one, other in zip(truth, a.ids, b.ids, strict=True)
    ]
    assert united.hits.tolist() == wanted
    assert united.hits.tolist() == unite(b, a).hits.tolist()
    assert unite(a, a).hits.tolist() == a.hits.tolist()
    # Its ids are an answer of their own, whose hits are those.
    assert from_ids(united.ids, truth).hits.tolist() == wanted
    assert unite(a, exact_of(a)).hits.tolist() == [k] * 8


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from(RULES), st.integers(1, 5))
def test_ties_count_in_a_union_as_in_one_answer(seed: int, rule: Rule, k: int) -> None:
    """As many ids at the distance of the k-th count as there are ranks, by the rule of the run."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 3, size=(14, 2)).astype(np.float32)
    queries = rng.integers(0, 3, size=(6, 2)).astype(np.float32)
    distances = np.sqrt(((queries[:, None].astype(float) - base) ** 2).sum(axis=2))
    order = np.argsort(distances, axis=1, kind="stable")
    truth = GroundTruth(order.astype(np.int32), np.take_along_axis(distances, order, axis=1))
    scorer = Scorer(Dataset("made", base, queries, "l2"), truth, rule)

    def answers(ids: np.ndarray) -> Answers:
        score = scorer.score(ids)
        return from_ids(
            ids,
            truth.ids,
            hits=score.hits,
            place=score.place,
            rule=rule,
            truth_distances=truth.distances,
        )

    a, b = (answers(random_ids(rng, 6, k, 14)) for _ in range(2))
    united = unite(a, b)
    for row, found in enumerate(united.hits):
        ids = ({*a.ids[row].tolist()} | {*b.ids[row].tolist()}) - {-1}
        if rule == "id":
            wanted = len(ids & {*truth.ids[row, :k].tolist()})
        else:
            slack = 1e-3 if rule == "ann-benchmarks" else 1e-9
            limit = truth.distances[row, k - 1] + slack
            wanted = min(k, sum(bool(distances[row, each] <= limit) for each in ids))
        assert found == wanted
    assert scorer.score(united.ids).hits.tolist() == united.hits.tolist()


def test_a_union_is_measured_like_an_answer() -> None:
    """Its right ids come first, by their place: order-aware measures know it."""
    truth = np.tile(np.arange(8), (1, 1))
    a = from_ids([[7, 2, 6]], truth)
    b = from_ids([[1, 7, 2]], truth)
    united = unite(a, b)
    assert united.ids.tolist() == [[1, 2, 7]]
    alone = from_ids(united.ids, truth)
    for measure in (Recall() @ 3, MRR() @ 3, MAP() @ 3, nDCG() @ 3):
        assert measure.value(united) == measure.value(alone)


def test_queries_are_routed_one_by_one() -> None:
    """Who is sent on has the answer of the second, everybody else that of the first."""
    truth = np.tile(np.arange(6), (3, 1))
    a = from_ids([[0, 5], [0, 5], [4, 5]], truth)
    sent = route(a, exact_of(a), np.array([True, False, True]))
    assert sent.hits.tolist() == [2, 1, 2]
    assert sent.ids.tolist() == [[0, 1], [0, 5], [0, 1]]
