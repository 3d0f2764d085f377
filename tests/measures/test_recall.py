"""Recall and how it is spread: the identities that hold for every set of answers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from answers_factory import from_hits, from_ids
from hypothesis import given
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.measures.recall import CVaR, Failure, Percentile, Recall, Robustness

hits_and_k = st.integers(1, 20).flatmap(
    lambda k: st.tuples(st.lists(st.integers(0, k), min_size=1, max_size=60), st.just(k))
)


@given(hits_and_k)
def test_recall_is_the_area_under_the_robustness_curve(case: tuple[list[int], int]) -> None:
    """Recall@K = (1/K) Σ_j Robustness(delta=j/K)@K."""
    hits, k = case
    answers = from_hits(hits, k)
    curve = [np.mean(np.asarray(hits) >= j) for j in range(1, k + 1)]
    assert Recall(k=k).value(answers) == pytest.approx(np.mean(curve))
    if k in (1, 2, 4, 5, 8, 10, 16, 20):  # j/K is a decimal that a float holds exactly as written
        robust = [Robustness(delta=j / k, k=k).value(answers) for j in range(1, k + 1)]
        assert robust == pytest.approx(curve)


@given(hits_and_k)
def test_robustness_never_rises_with_delta(case: tuple[list[int], int]) -> None:
    """A higher threshold is passed by fewer queries."""
    hits, k = case
    answers = from_hits(hits, k)
    curve = [Robustness(delta=delta / 100, k=k).value(answers) for delta in range(0, 101, 7)]
    assert curve[0] == 1.0
    assert all(after <= before for before, after in itertools.pairwise(curve))


@given(hits_and_k)
def test_failure_and_cvar_meet_the_others_at_their_ends(case: tuple[list[int], int]) -> None:
    """Failure = 1 − Robustness(1/K) and CVaR(1) = Recall."""
    hits, k = case
    answers = from_hits(hits, k)
    assert Failure(k=k).value(answers) == pytest.approx(np.mean(np.asarray(hits) < 1))
    assert CVaR(alpha=1.0, k=k).value(answers) == pytest.approx(Recall(k=k).value(answers))


@given(hits_and_k, st.floats(0.001, 1.0))
def test_cvar_is_the_mean_of_the_worst(case: tuple[list[int], int], alpha: float) -> None:
    """CVaR is the mean over the worst ⌈αm⌉ queries, against a plain sort."""
    hits, k = case
    worst = sorted(hits)[: math.ceil(alpha * len(hits))]
    assert CVaR(alpha=alpha, k=k).value(from_hits(hits, k)) == pytest.approx(np.mean(worst) / k)


def test_cvar_takes_alpha_as_the_decimal_that_was_written() -> None:
    """⌈0.07 · 100⌉ is 7: the float product would make it 8."""
    hits = [0] * 7 + [10] * 93
    assert CVaR(alpha=0.07, k=10).value(from_hits(hits, 10)) == 0.0


@given(hits_and_k, st.integers(0, 100))
def test_percentile_is_a_recall_that_occurs(case: tuple[list[int], int], p: int) -> None:
    """The lower percentile interpolates nothing."""
    hits, k = case
    value = Percentile(p=p, k=k).value(from_hits(hits, k))
    assert round(value * k) in hits


@given(hits_and_k, st.randoms(use_true_random=False))
def test_order_of_queries_does_not_matter(case: tuple[list[int], int], random: object) -> None:
    """Every measure is unchanged when queries are permuted."""
    hits, k = case
    shuffled = sorted(hits)
    for measure in (Recall(k=k), Robustness(delta=0.5, k=k), CVaR(k=k), Percentile(k=k)):
        assert measure.value(from_hits(hits, k)) == pytest.approx(
            measure.value(from_hits(shuffled, k))
        )


@given(st.integers(0, 2**32 - 1))
def test_labels_of_base_vectors_do_not_matter(seed: int) -> None:
    """Every measure is unchanged when base ids are relabeled."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.permutation(40)[:12] for _ in range(8)])
    ids = np.stack([rng.permutation(40)[:6] for _ in range(8)])
    labels = rng.permutation(40)
    for measure in (Recall(k=6), Recall(k=6, truth=3), Failure(k=6)):
        assert measure.value(from_ids(ids, truth)) == measure.value(
            from_ids(labels[ids], labels[truth])
        )


def test_survival_counts_the_top_inside_the_retrieved() -> None:
    """Recall(truth=2)@4 is the share of the two nearest among four retrieved."""
    truth = [[0, 1, 2, 3, 4, 5]]
    answers = from_ids([[9, 1, 8, 7]], truth)
    assert Recall(k=4, truth=2).value(answers) == 0.5
    assert Robustness(delta=0.6, k=4, truth=2).value(answers) == 0.0
    assert Robustness(delta=0.5, k=4, truth=2).value(answers) == 1.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Robustness(delta=1.2, k=10), "delta=1.2"),
        (lambda: CVaR(alpha=0, k=10), "alpha=0"),
        (lambda: Percentile(p=101, k=10), "p=101"),
        (lambda: Recall(k=10, truth=11), "truth=11"),
    ],
)
def test_a_parameter_out_of_range_says_what_is_allowed(make: object, says: str) -> None:
    """The message holds the value that was given."""
    with pytest.raises(VbenchError, match=says):
        make()
