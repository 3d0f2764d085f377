"""Tests of the robustness curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.measures.curve import at_least, curve, reached_by
from vbench.measures.tail import tail
from vbench.stats import crossed, intervals


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 5), st.integers(2, 60), st.integers(1, 12), st.integers(0, 2**32 - 1),
    st.floats(0, 1),
)  # fmt: skip
def test_every_threshold_is_what_one_estimate_says(
    builds: int, m: int, k: int, seed: int, chance: float
) -> None:
    """Value and interval at each threshold equal those of the general estimator."""
    hits = np.random.default_rng(seed).binomial(k, chance, size=(builds, m))
    found = curve(hits, k)
    for need in range(k + 1):
        passing = hits >= need
        if builds == 1:
            low, high = intervals.wilson(int(passing.sum()), m)
        else:
            whole = crossed.crossed_mean(passing)
            low, high = whole.low, whole.high
        assert found.value[need] == pytest.approx(passing.mean(), abs=1e-12)
        assert found.low[need] == pytest.approx(low, abs=1e-9)
        assert found.high[need] == pytest.approx(high, abs=1e-9)


def test_tails_are_those_of_the_tail_measure() -> None:
    """The persistent and the build-dependent share agree with the masks, at every threshold."""
    hits = np.random.default_rng(3).binomial(10, 0.8, size=(3, 500))
    found = curve(hits, 10)
    for need in range(11):
        parts = tail(hits, 10, need / 10)
        assert found.persistent[need] == pytest.approx(parts.persistent.mean())
        assert found.build_dependent[need] == pytest.approx(parts.build_dependent.mean())


def test_area_under_the_curve_is_mean_recall() -> None:
    """Recall@K is the mean of Robustness at δ = 1/K … 1."""
    hits = np.random.default_rng(4).binomial(10, 0.7, size=(2, 300))
    assert curve(hits, 10).value[1:].mean() == pytest.approx(hits.mean() / 10)


def test_counts_fall_from_all_queries() -> None:
    """`at_least` starts with every query and counts those with full hits last."""
    assert at_least(np.array([0, 2, 2, 1]), 2).tolist() == [4, 3, 2]


def test_groups_have_the_intervals_of_their_queries_alone() -> None:
    """As if each group were estimated by itself, with one build and with several."""
    rng = np.random.default_rng(5)
    members = rng.integers(0, 3, 90)
    for builds in (1, 3):
        hits = rng.integers(0, 11, (builds, 90))
        for group, found in enumerate(reached_by(hits, 10, members, 3, [0, 5, 10])):
            alone = curve(hits[:, members == group], 10)
            for name in ("value", "low", "high"):
                assert getattr(found, name) == pytest.approx(getattr(alone, name)[[0, 5, 10]])
