"""Rotated products of faiss: how long a rotation is learned."""

from __future__ import annotations

import pytest

from vbench.indexes.faiss_codes import count_rounds


@pytest.mark.parametrize(
    ("n", "nbits", "rounds"),
    [(20_000, 8, 50), (9984, 8, 50), (1997, 8, 10), (300, 8, 5), (624, 4, 50)],
)
def test_few_vectors_are_rotated_in_few_rounds(n: int, nbits: int, rounds: int) -> None:
    """In proportion below 39 vectors a code, and never in less than five."""
    assert count_rounds(n, nbits) == rounds
