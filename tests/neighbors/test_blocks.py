"""The one way to walk through vectors."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.neighbors import blocks as module
from vbench.neighbors.blocks import blocks


@pytest.mark.parametrize(("itemsize", "rows"), [(None, 5), (8, 2)])
def test_every_row_once_in_blocks_of_some_bytes(monkeypatch, itemsize, rows):
    """As many rows as fit, widened or not; the last block has what is left."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 40)
    array = (
        np.arange(24, dtype=np.int16).reshape(6, 4)[:, :2] if itemsize else np.zeros((7, 2), "f4")
    )
    found = list(blocks(array, itemsize))
    assert [len(block) for _, block in found][:-1] == [rows] * (len(found) - 1)
    np.testing.assert_array_equal(np.concatenate([block for _, block in found]), array)
    assert [first for first, _ in found] == list(range(0, len(array), rows))


def test_a_row_larger_than_a_block_is_a_block(monkeypatch):
    """And of no rows there is no block."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 4)
    assert len(list(blocks(np.zeros((3, 9), np.float32)))) == 3
    assert not list(blocks(np.zeros((0, 9), np.float32)))
