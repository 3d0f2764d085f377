"""Rows in parts."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.measures.blocks import row_blocks


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (10, 3), (12, 4), (5, 0), (4, 100)])
def test_every_row_is_in_one_part(shape: tuple[int, int]) -> None:
    """In its order, also where a row is more than a part is to have."""
    array = np.arange(shape[0] * shape[1]).reshape(shape)
    parts = [array[some] for some in row_blocks(array, 12)]
    assert np.array_equal(np.concatenate([array[:0], *parts]), array)
    assert all(len(each) == 1 or each.size <= 12 for each in parts)
