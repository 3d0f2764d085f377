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


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([np.array([1, 2], dtype=np.uint64), np.array([3, 4], dtype=np.uint64)], [[1, 2], [3, 4]]),
        ([np.array([2**64 - 1, 2], dtype=np.uint64)], [[-1, 2]]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ([np.array([1]), np.array([3, 4])], [[1, -1], [3, 4]]),
        ([[], [3]], [[-1, -1], [3, -1]]),
    ],
)
def test_answers_become_rows_of_k(answers: list, expected: list) -> None:
    """Any integer type and lists are taken, short rows are padded with −1."""
    assert clock.stack(answers, 2).tolist() == expected


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (np.array([[1, 2]]), r"shape \(1, 2\) for query 5"),
        (np.array([1, 2, 3]), r"shape \(3,\) for query 5"),
        (np.array([1.0, 2.0]), "float64"),
        (7, r"shape \(\)"),
    ],
)
def test_answers_that_are_no_row_of_ids_are_refused(answer: object, says: str) -> None:
    """The message names the query, what came, and what the protocol asks for."""
    with pytest.raises(clock.AnswerError, match=says):
        clock.stack([answer], 2, first=5)


def test_one_wrong_row_among_right_ones_is_found() -> None:
    """Rows whose lengths add up by chance are not mistaken for rows of k."""
    with pytest.raises(clock.AnswerError, match="query 1"):
        clock.stack([np.array([1]), np.array([1, 2, 3])], 2)


def test_batch_answers_have_a_row_for_each_query() -> None:
    """Missing columns are pads; missing rows and floats are refused."""
    assert clock.whole(np.array([[1], [2]]), 2, 2).tolist() == [[1, -1], [2, -1]]
    assert clock.whole([[], []], 2, 2).tolist() == [[-1, -1], [-1, -1]]
    with pytest.raises(clock.AnswerError, match=r"shape \(2, 1\).*\(3, 2\)"):
        clock.whole(np.array([[1], [2]]), 3, 2)
    with pytest.raises(clock.AnswerError, match="float32"):
        clock.whole(np.zeros((3, 2), dtype=np.float32), 3, 2)


def test_ids_outside_the_base_name_query_and_id() -> None:
    """0…n−1 and −1 pass; the first other id is named with its query."""
    clock.check_range(np.array([[0, -1, 9]]), 10)
    with pytest.raises(clock.AnswerError, match=r"query 1 got id 10; .* 0 to 9"):
        clock.check_range(np.array([[0, 1], [10, 2]]), 10)
    with pytest.raises(clock.AnswerError, match="id -2"):
        clock.check_range(np.array([[-2, 1]]), 10)


def test_rows_differ_as_sets() -> None:
    """The order of ids does not make two answers different."""
    a, b = np.array([[1, 2], [3, 4], [5, 5]]), np.array([[2, 1], [3, 9], [5, 6]])
    assert clock.differing(a, b) == 2
