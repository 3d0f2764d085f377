"""Equal rows are found exactly, once, whatever the types."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vbench
from vbench.data import copies
from vbench.data.copies import equal_rows


@given(
    st.integers(0, 2**32),
    st.sampled_from([np.float32, np.float16, np.uint8, np.int8]),
    st.integers(1, 9),
)
def test_copies_are_counted_exactly(seed, dtype, d):
    """Groups and queries are those of a plain comparison."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 3, (50, d)).astype(dtype)
    queries = rng.integers(0, 3, (7, d)).astype(np.float32)
    found = equal_rows(base, queries)
    same = (base[:, np.newaxis] == base).all(axis=2)
    assert found.rows.tolist() == np.flatnonzero(same.sum(axis=1) > 1).tolist()
    assert found.groups.tolist() == same.argmax(axis=1)[found.rows].tolist()
    assert found.repeats == 50 - len(np.unique(base, axis=0))
    assert found.largest == same.sum(axis=1).max()
    there = (queries[:, np.newaxis] == base.astype(np.float32)).all(axis=2)
    assert found.asked.tolist() == np.where(there.any(axis=1), there.argmax(axis=1), -1).tolist()
    assert found.first_of(np.arange(50)).tolist() == same.argmax(axis=1).tolist()


def test_copies_across_blocks(monkeypatch):
    """Rows that are far apart are compared too; minus zero equals zero; pads stay pads."""
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 64)
    base = np.random.default_rng(0).standard_normal((100, 4)).astype(np.float32)
    base[90], base[5, 0], base[95] = base[3], 0.0, base[5]
    base[95, 0] = -0.0
    found = equal_rows(base, base[:1] + 1)
    assert (found.rows.tolist(), found.largest) == ([3, 5, 90, 95], 2)
    assert found.first_of(np.array([[95, -1, 4]])).tolist() == [[5, -1, 4]]


def test_copies_are_looked_for_once(monkeypatch, home):
    """They are kept by fingerprint; what is damaged there is found again."""
    base = np.ones((20, 3), np.float32)
    dataset = vbench.load(base, queries=base[:2] + 1, metric="l2", name="ones")
    first = copies.copies(dataset)
    monkeypatch.setattr(copies, "equal_rows", lambda *_: pytest.fail("looked for again"))
    again = copies.copies(dataset)
    assert [each.tolist() for each in again] == [each.tolist() for each in first]
    monkeypatch.undo()
    (path,) = (home / "copies").glob("*.npz")
    path.write_bytes(path.read_bytes()[:40])
    assert copies.copies(dataset).largest == 20
