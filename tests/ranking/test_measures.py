"""Order-aware measures: agreement with trec_eval, ties, identities."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, Success, nDCG
from scipy.stats import kendalltau

from vbench.errors import VbenchError
from vbench.ranking.judgments import Judgments
from vbench.ranking.measures import Ideal, by_name, find, kendall, perfect

K = 25


def lists(seed: int, m: int = 40, graded: bool = True) -> tuple[Judgments, np.ndarray, np.ndarray]:
    """Judgments of every query, candidates with few distinct scores, and those scores."""
    rng = np.random.default_rng(seed)
    n = 120
    candidates = np.stack([rng.permutation(n)[:K] for _ in range(m)])
    scores = rng.integers(0, 6, size=(m, K)).astype(np.float64)
    keys = np.unique(
        np.concatenate([q * n + rng.permutation(n)[: rng.integers(1, 30)] for q in range(m)])
    )
    query, item = np.divmod(keys, n)
    grade = rng.integers(1, 4, len(keys)) if graded else np.ones(len(keys))
    return Judgments(query, item, grade.astype(float), m, n), candidates, scores


def measured(known: Judgments, candidates: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    grades = known.grades(known.judged[:, np.newaxis], candidates)
    found = find(scores, grades, candidates >= 0)
    ideal = Ideal.of(known, 10)
    return {name: measure(found, ideal) for name, measure in by_name(10).items()}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), graded=st.booleans())
def test_they_agree_with_trec_eval(seed: int, graded: bool) -> None:
    """On random lists with ties, exported as K − rank: equal for every query."""
    known, candidates, scores = lists(seed, graded=graded)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(candidates, order, axis=1)
    run = [
        ir_measures.ScoredDoc(str(query), str(document), float(K - 1 - rank))
        for query, row in enumerate(ranked)
        for rank, document in enumerate(row)
    ]
    qrels = [
        ir_measures.Qrel(str(query), str(item), int(grade))
        for query, item, grade in zip(known.query, known.item, known.grade, strict=True)
    ]
    names = {nDCG @ 10: "nDCG@10", RR @ 10: "MRR@10", Success @ 10: "Hit@10", AP @ 10: "MAP@10"}
    ours = measured(known, candidates, scores)
    for each in ir_measures.iter_calc(list(names), qrels, run):
        assert ours[names[each.measure]][int(each.query_id)] == pytest.approx(each.value, abs=1e-9)


def test_area_under_the_curve_is_that_of_pairs() -> None:
    """Each pair of a relevant and an irrelevant candidate in order counts 1, a tie 1/2."""
    known, candidates, scores = lists(3)
    grades = known.grades(known.judged[:, np.newaxis], candidates)
    ours = measured(known, candidates, scores)["GAUC"]
    for row in range(len(candidates)):
        good, bad = scores[row][grades[row] > 0], scores[row][grades[row] == 0]
        pairs = np.sign(good[:, np.newaxis] - bad)
        expected = (pairs.mean() + 1) / 2 if pairs.size else np.nan
        assert ours[row] == pytest.approx(expected, nan_ok=True)


def test_equal_scores_keep_the_order_of_retrieval() -> None:
    """With one score for all, the list stays as the index gave it."""
    known, candidates, _ = lists(4)
    same = measured(known, candidates, np.zeros(candidates.shape))
    falling = measured(known, candidates, -np.arange(K, dtype=float) + np.zeros((40, 1)))
    for name in ("nDCG@10", "MRR@10", "Hit@10", "MAP@10"):
        np.testing.assert_allclose(same[name], falling[name])


def test_pads_are_neither_relevant_nor_in_the_way() -> None:
    """A list with pads between scores as the list without them."""
    known, candidates, scores = lists(5)
    holes = np.zeros(candidates.shape, dtype=bool)
    holes[:, ::3] = True
    padded = np.where(holes, -1, candidates)
    grades = known.grades(known.judged[:, np.newaxis], np.maximum(padded, 0))
    found = find(np.where(holes, 99.0, scores), grades, ~holes)
    short = measured(known, candidates[:, ~holes[0]], scores[:, ~holes[0]])
    for name, measure in by_name(10).items():
        np.testing.assert_allclose(measure(found, Ideal.of(known, 10)), short[name])


def test_the_best_list_scores_what_perfect_says() -> None:
    """Relevant items first, the highest grades first: nothing can score more."""
    known, _, _ = lists(6)
    every = np.tile(np.arange(known.n), (known.m, 1))
    best = measured(known, every, known.grades(known.judged[:, np.newaxis], every))
    ideal = Ideal.of(known, 10)
    for name, values in best.items():
        np.testing.assert_allclose(values, perfect(name, ideal))


def test_the_ideal_is_made_of_all_judgments() -> None:
    """A relevant item that is not among the candidates lowers nDCG; sklearn's would say 1."""
    known = Judgments(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 5.0]), 1, 9)
    value = measured(known, np.array([[1, 3]]), np.array([[1.0, 0.0]]))["nDCG@10"]
    assert value[0] == pytest.approx(1 / (5 + 1 / np.log2(3)))


def test_kendall_agrees_with_scipy() -> None:
    """τ-b with ties in the scores, and NaN where all scores are equal."""
    _, candidates, scores = lists(7)
    scores[0] = 1.0
    present = np.ones(candidates.shape, dtype=bool)
    present[1, 20:] = False
    ours = kendall(scores, present)
    assert np.isnan(ours[0])
    retrieved = -np.arange(K)
    for row in range(1, len(scores)):
        there = present[row]
        assert ours[row] == pytest.approx(kendalltau(retrieved[there], scores[row][there])[0])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.sampled_from([1, 2, 7, 60, 300]))
def test_kendall_of_any_length_with_pads_anywhere_is_that_of_scipy(seed: int, k: int) -> None:
    """With more candidates than a byte can count, negative scores, ties, and lists of pads only."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-20, 20, size=(6, k)) / 4.0
    present = rng.random((6, k)) < 0.8
    present[0] = False
    ours = kendall(scores, present)
    for own, row, there in zip(ours, scores, present, strict=True):
        if len(np.unique(row[there])) < 2:
            assert np.isnan(own)
        else:
            expected = kendalltau(-np.flatnonzero(there), row[there])[0]
            assert own == pytest.approx(expected)


def test_lists_among_others_leave_those_without_anything_relevant() -> None:
    """Measured as if nothing had been returned to them: 0, and no area under a curve."""
    known, candidates, scores = lists(8, m=12)
    whole = measured(known, candidates, scores)
    rows = np.array([1, 4, 5, 10])
    grades = known.grades(known.judged[rows, np.newaxis], candidates[rows])
    found = find(scores[rows], grades, candidates[rows] >= 0).among(rows, 12)
    for name, measure in by_name(10).items():
        values = measure(found, Ideal.of(known, 10))
        np.testing.assert_array_equal(values[rows], whole[name][rows])
        others = np.delete(values, rows)
        assert np.isnan(others).all() if name == "GAUC" else (others == 0).all()


def test_scores_that_cannot_be_ordered_are_refused() -> None:
    """NaN and wrong shapes, with the place."""
    with pytest.raises(VbenchError, match="candidate 1 of query 0 is NaN"):
        find(np.array([[1.0, np.nan]]), np.zeros((1, 2)), np.ones((1, 2), dtype=bool))
    with pytest.raises(VbenchError, match="one shape"):
        find(np.zeros((1, 2)), np.zeros((1, 3)), np.ones((1, 2), dtype=bool))
