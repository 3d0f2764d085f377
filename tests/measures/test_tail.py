"""The persistent and the build-dependent tail."""

from __future__ import annotations

import numpy as np

from vbench.measures.tail import tail


def test_the_tail_is_split_by_whether_every_build_fails() -> None:
    """Under δ in all builds: persistent; in some: build-dependent; in none: neither."""
    hits = np.array([[0, 9, 8, 10], [3, 8, 9, 10]])
    parts = tail(hits, 10, 0.9)
    assert parts.persistent.tolist() == [True, False, False, False]
    assert parts.build_dependent.tolist() == [False, True, True, False]


def test_one_build_has_no_build_dependent_tail() -> None:
    """With one build nothing can vary between builds."""
    parts = tail(np.array([[0, 10]]), 10, 0.5)
    assert parts.persistent.tolist() == [True, False]
    assert not parts.build_dependent.any()
