"""How unevenly lists show the items of a base, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.measures.answers import repeated
from vbench.measures.exposure import expose


@given(st.integers(0, 2**32 - 1))
def test_gini_is_the_mean_difference_over_twice_the_mean(seed: int) -> None:
    """Σ |c_i − c_j| / (2 n² mean), of each base vector; a repeated id counts once, a pad never."""
    rng = np.random.default_rng(seed)
    n, m, k = (int(each) for each in rng.integers(1, 9, 3))
    ids = rng.integers(-1, n, (m, k))
    counts = np.zeros(n)
    for row in ids.tolist():
        for item in set(row) - {-1}:
            counts[item] += 1
    found = expose(np.where(repeated(ids), -1, ids), n)
    differences = np.abs(counts[:, np.newaxis] - counts).sum()
    wanted = differences / (2 * n**2 * counts.mean()) if counts.any() else 0.0
    assert found.gini == pytest.approx(wanted)
    assert found.items == (counts > 0).sum()
    assert found.by_query.mean() == pytest.approx(found.gini)


def test_equal_shares_are_0_and_one_item_for_all_is_nearly_1() -> None:
    """The ends of the scale."""
    assert expose(np.arange(100).reshape(10, 10), 100).gini == pytest.approx(0.0)
    assert expose(np.zeros((50, 1), dtype=int), 1000).gini == pytest.approx(0.999)


def test_values_by_query_have_the_variance_of_the_coefficient() -> None:
    """Against queries drawn anew: 400 samples of 300 queries."""
    rng = np.random.default_rng(0)
    weights = 1.0 / np.arange(1, 101)
    samples = [
        expose(rng.choice(100, (300, 3), p=weights / weights.sum()), 100) for _ in range(400)
    ]
    actual = np.std([each.gini for each in samples])
    told = np.mean([each.by_query.std(ddof=1) / np.sqrt(300) for each in samples])
    assert told == pytest.approx(actual, rel=0.15)
