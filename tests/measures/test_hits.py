"""Hits: thresholds, and which ids stand in another list."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.measures.hits import ranks_among, relevant, relevant_in_order, threshold, thresholds


@pytest.mark.parametrize("delta", [0.07, 0.14, 0.28, 0.55, 0.56])
def test_threshold_is_exact_where_floats_are_not(delta: float) -> None:
    """At K=100 a query with exactly δ·K hits passes, also where δ * K is more in floats."""
    assert threshold(delta, 100) == round(delta * 100)


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_threshold_is_the_ceiling_of_the_decimal(thousandths: int, k: int) -> None:
    """δ is the decimal that was written, for every δ and K."""
    delta = Decimal(thousandths) / 1000
    assert threshold(float(delta), k) == int((delta * k).to_integral_value(ROUND_CEILING))


@given(st.integers(0, 2**32 - 1))
def test_ranks_are_where_an_id_stands_in_the_other_list(seed: int) -> None:
    """From 1 on, row by row; 0 where it does not, as a pad never does."""
    rng = np.random.default_rng(seed)
    m, k, width = rng.integers(1, 30), rng.integers(1, 12), rng.integers(1, 24)
    among = np.stack([rng.permutation(60)[:width] for _ in range(m)])
    ids = rng.integers(-1, 60, size=(m, k))
    expected = [
        [row.index(each) + 1 if each in row else 0 for each in asked]
        for row, asked in zip(among.tolist(), ids.tolist(), strict=True)
    ]
    assert ranks_among(ids, among).tolist() == expected
    assert (relevant(ids, among) == (np.array(expected) > 0)).all()


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_in_order_is_found_by_one_look_at_each(seed: int, shuffled: bool) -> None:
    """As by comparing all with all, where rows have the same order or not, padded or not."""
    rng = np.random.default_rng(seed)
    m, k = rng.integers(1, 30), rng.integers(1, 12)
    wanted = np.stack([rng.permutation(60)[:k] for _ in range(m)])
    among = np.full((m, k + rng.integers(0, 4)), -1)
    for row, exact in zip(among, wanted, strict=True):
        own = [*exact[rng.random(k) < 0.7], *(60 + np.arange(3))][: len(row)]
        row[: len(own)] = rng.permutation(own) if shuffled else own
    wanted[:, k - rng.integers(0, 2) :] = -1
    expected = relevant(wanted, among)
    for number in (expected.sum(axis=1), np.full(m, -1)):
        assert (relevant_in_order(wanted, among, number) == expected).all()


@pytest.mark.parametrize("delta", [0.0, 0.07, 0.5, 0.9, 1.0, 1 / 3, 1e-17, 0.1234567890123456])
def test_thresholds_of_many_k_are_those_of_each(delta: float) -> None:
    """Also where whole numbers of 64 bits would not hold the product."""
    ks = np.array([[1, 7, 10], [100, 1000, 9_999_999]])
    found = thresholds(delta, ks)
    assert found.tolist() == [[threshold(delta, k) for k in row] for row in ks.tolist()]
    assert thresholds(delta, ks[:0]).shape == (0, 3)
