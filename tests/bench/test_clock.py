"""The timed passes, and what they accept from an adapter."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.bench import clock

QUERIES = np.arange(12, dtype=np.float32).reshape(6, 2)


def test_one_by_one_keeps_ids_and_times_of_every_query() -> None:
    """Each query is asked once, alone, in order."""
    asked = []

    def search_one(query: np.ndarray, k: int) -> np.ndarray:
        asked.append(query.copy())
        return np.array([query[0], query[1], 0], dtype=np.int64)

    done = clock.one_by_one(search_one, QUERIES, 3)
    assert np.array_equal(np.stack(asked), QUERIES)
    assert done.ids[:, 0].tolist() == QUERIES[:, 0].tolist()
    assert done.latency_ns.shape == (6,)
    assert (done.latency_ns > 0).all()


def test_passes_over_many_queries_are_cut_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks change nothing about the answers."""
    monkeypatch.setattr(clock, "_CHUNK", 4)
    done = clock.one_by_one(lambda query, k: np.array([int(query[0])]), QUERIES, 1)
    assert done.ids[:, 0].tolist() == QUERIES[:, 0].tolist()


def test_a_buffer_that_is_used_again_is_noticed_and_copied() -> None:
    """An adapter may answer in the same memory each time; its earlier answers are kept."""
    buffer = np.zeros(1, dtype=np.int64)

    def search_one(query: np.ndarray, k: int) -> np.ndarray:
        buffer[0] = query[0]
        return buffer[:]

    assert clock.reuses_memory(search_one, QUERIES, 1)
    assert not clock.reuses_memory(lambda query, k: np.array([1]), QUERIES, 1)
    done = clock.one_by_one(search_one, QUERIES, 1, copy=True)
    assert done.ids[:, 0].tolist() == QUERIES[:, 0].tolist()


def test_rows_differ_as_sets() -> None:
    """The order of ids does not make two answers different."""
    a, b = np.array([[1, 2], [3, 4], [5, 5]]), np.array([[2, 1], [3, 9], [5, 6]])
    assert clock.differing(a, b) == 2
