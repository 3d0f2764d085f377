"""Checks that others call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vbench
from vbench.data import arrays
from vbench.data.check import check_k, check_vectors, duplicates
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


@given(
    st.integers(0, 2**32),
    st.sampled_from([np.float32, np.float16, np.uint8, np.int8]),
    st.integers(1, 9),
)
def test_duplicates_are_counted_exactly(seed, dtype, d):
    """The count is that of rows which equal an earlier one."""
    base = np.random.default_rng(seed).integers(0, 3, (50, d)).astype(dtype)
    assert duplicates(base) == 50 - len(np.unique(base, axis=0))


def test_duplicates_across_blocks(monkeypatch):
    """Rows that are far apart are compared too; minus zero equals zero."""
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 64)
    base = np.random.default_rng(0).standard_normal((100, 4)).astype(np.float32)
    base[90], base[5, 0], base[95] = base[3], 0.0, base[5]
    base[95, 0] = -0.0
    assert duplicates(base) == 2


def test_rows_are_counted_through_the_blocks(monkeypatch):
    """The row in a message is the row of the file, not of the block."""
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 64)
    base = np.ones((100, 4), np.float32)
    base[77, 3] = np.nan
    with pytest.raises(DataError, match="x: row 77, column 3 is nan"):
        check_vectors(base, "l2", "x")
