"""Measures that see the order of an answer."""

from __future__ import annotations

import numpy as np
import pytest
from answers_factory import from_ids

from vbench.measures.order import MAP, MRR, Ratio, nDCG

EXACT = np.arange(20)[np.newaxis]


def test_ndcg_sees_a_reversed_list() -> None:
    """A reversed list scores less than the exact one, which scores 1."""
    exact, reverse = EXACT[:, :10], EXACT[:, 9::-1]
    assert nDCG(k=10).value(from_ids(exact, EXACT)) == pytest.approx(1.0)
    assert nDCG(k=10).value(from_ids(reverse, EXACT)) < 0.9


def test_ndcg_takes_its_ideal_from_the_exact_list() -> None:
    """One right id in a wrong list is far from 1, whatever else was returned."""
    ids = np.array([[5, *range(100, 109)]])
    gains = 5 / np.log2(2)
    ideal = sum((10 - rank) / np.log2(rank + 2) for rank in range(10))
    assert nDCG(k=10).value(from_ids(ids, EXACT)) == pytest.approx(gains / ideal)


def test_mrr_is_the_rank_of_the_first_right_id() -> None:
    """The third id is the first right one: 1/3; none is right: 0."""
    ids = np.array([[90, 91, 3, 0], [90, 91, 92, 93]])
    answers = from_ids(ids, np.repeat(EXACT, 2, axis=0))
    assert MRR(k=4).per_query(answers).tolist() == pytest.approx([1 / 3, 0.0])


def test_map_is_the_mean_precision_at_right_ranks() -> None:
    """Right at ranks 1 and 3 of 4: (1/1 + 2/3) / 4."""
    answers = from_ids([[0, 90, 3, 91]], EXACT)
    assert MAP(k=4).value(answers) == pytest.approx((1 + 2 / 3) / 4)


def test_a_repeated_id_is_right_once() -> None:
    """Copies of the nearest neighbor gain nothing in any ordered measure."""
    answers = from_ids([[0, 0, 0, 0]], EXACT)
    assert MAP(k=4).value(answers) == pytest.approx(1 / 4)
    assert nDCG(k=4).value(answers) == pytest.approx(
        nDCG(k=4).value(from_ids([[0, 90, 91, 92]], EXACT))
    )


def test_ratio_is_the_mean_of_what_scoring_stored() -> None:
    """The quotient of distances is made when a trial is scored."""
    answers = from_ids([[0, 1]], EXACT, ratio=np.array([0.75]))
    assert Ratio(k=2).value(answers) == 0.75
