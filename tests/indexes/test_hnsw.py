"""hnswlib, where it refuses a whole batch for one query."""

from __future__ import annotations

import numpy as np
import pytest
from vectors import gaussian

from vbench.indexes.hnsw import Hnsw


def unreachable() -> tuple[Hnsw, np.ndarray, np.ndarray]:
    """An index of two far groups with M=2, in which some queries reach fewer than k vectors."""
    base = gaussian(80, 4, seed=13)
    base[40:] += 100.0
    index = Hnsw(M=2, ef_construction=2)
    index.fit(base, "l2", seed=3, threads=1)
    index.set(ef=4)
    return index, base, base[::4].copy()


def test_queries_that_reach_too_few_are_padded_alone() -> None:
    """Each query gets what hnswlib finds for it; only the missing ids are −1."""
    index, _, queries = unreachable()
    k = 45
    with pytest.raises(RuntimeError, match="Cannot return the results"):
        index.index.knn_query(queries, k)
    ids = index.search(queries, k)
    found = (ids >= 0).sum(axis=1)
    assert 0 < found.min() < k
    for query, row, count in zip(queries, ids, found, strict=True):
        assert (row[count:] == -1).all()
        index.index.set_ef(k)
        expected = index.index.knn_query(query, int(count))[0][0]
        np.testing.assert_array_equal(row[:count], expected)
        if count < k:
            with pytest.raises(RuntimeError):
                index.index.knn_query(query, int(count) + 1)


def test_one_query_is_padded_like_the_batch() -> None:
    """search_one gives the same ids and pads, and the width of search is what was set."""
    index, _, queries = unreachable()
    batch = index.search(queries, 45)
    singles = np.stack([index.search_one(query, 45) for query in queries])
    np.testing.assert_array_equal(singles, batch)
    assert index.index.ef == 4


def test_other_errors_of_the_library_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the refusal to pad is mended; what else hnswlib raises is the caller's to see."""
    index, _, queries = unreachable()

    def out_of_memory(*_: object) -> None:
        raise RuntimeError("Not enough memory")

    monkeypatch.setattr(index, "_knn_query", out_of_memory)
    with pytest.raises(RuntimeError, match="Not enough memory"):
        index.search(queries, 3)
    with pytest.raises(RuntimeError, match="Not enough memory"):
        index.search_one(queries[0], 3)
