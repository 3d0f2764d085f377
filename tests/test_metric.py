"""Metrics by their words, and distances."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.errors import DataError
from vbench.metric import NO_COSINE, distance, known_metric, metric_of


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("l2", "l2 L2 euclidean Euclidean squared_l2 L2-Squared sqeuclidean"),
        ("ip", "ip IP dot DotProduct dot_product inner_product MaxInnerProduct mips"),
        ("cosine", "cosine COSINE angular cosine_similarity cosinesimil normalized"),
    ],
)
def test_words_of_other_tools(metric: str, words: str) -> None:
    """Case, hyphens and underscores do not matter."""
    for word in words.split():
        assert metric_of(word) == metric
        assert known_metric(word.encode(), "here") == metric


def test_a_word_that_is_not_known() -> None:
    """It is named, with where it stands and what is allowed."""
    assert metric_of("hamming") is None
    with pytest.raises(DataError, match="here: distance 'hamming' is not supported; l2, ip, cosin"):
        known_metric("hamming", "here")


def test_a_zero_vector_is_farther_than_the_opposite_direction() -> None:
    """It has no direction, so under cosine it is nobody's neighbor."""
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    found = distance(rows[:1, None], rows, "cosine")
    assert found.tolist() == [[0.0, 2.0, NO_COSINE]]
    assert distance(rows[2], rows[0], "cosine") == NO_COSINE
