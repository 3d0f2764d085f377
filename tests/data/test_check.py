"""Checks that others call."""

from __future__ import annotations

import numpy as np
import pytest

import vbench
from vbench.data.check import check_k, check_vectors
from vbench.errors import DataError, VbenchError


def test_k_must_lie_within_the_base():
    """K under 1 or over n is refused with both numbers; n itself is fine."""
    points = np.ones((5, 2), np.float32)
    data = vbench.load(points, queries=points, metric="l2", name="five")
    check_k(data, 1)
    check_k(data, 5)
    with pytest.raises(VbenchError, match="K=6 is more than the 5 base vectors of five"):
        check_k(data, 6)
    with pytest.raises(VbenchError, match="K must be at least 1, got 0"):
        check_k(data, 0)


def test_rows_are_counted_through_the_blocks(monkeypatch):
    """The row in a message is the row of the file, not of the block."""
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 64)
    base = np.ones((100, 4), np.float32)
    base[77, 3] = np.nan
    with pytest.raises(DataError, match="x: row 77, column 3 is nan"):
        check_vectors(base, "l2", "x")
