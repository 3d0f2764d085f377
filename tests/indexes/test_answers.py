"""Answers become padded ids, or are refused with what to do."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.indexes import answers


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([np.array([1, 2], dtype=np.uint64), np.array([3, 4], dtype=np.uint64)], [[1, 2], [3, 4]]),
        ([np.array([2**64 - 1, 2], dtype=np.uint64)], [[-1, 2]]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ([np.array([1]), np.array([3, 4])], [[1, -1], [3, 4]]),
        ([[], [3]], [[-1, -1], [3, -1]]),
    ],
)
def test_answers_become_rows_of_k(rows: list, expected: list) -> None:
    """Any integer type and lists are taken, short rows are padded with −1."""
    assert answers.stack(rows, 2).tolist() == expected


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (np.array([[1, 2]]), r"shape \(1, 2\) for query 5"),
        (np.array([1, 2, 3]), r"shape \(3,\) for query 5"),
        (np.array([1.0, 2.0]), "float64"),
        (7, "returned int for query 5"),
        ((np.array([1, 2]), np.array([0.5, 0.7])), "a tuple of 2 for query 5"),
        ((np.array([0.5, 0.7]), np.array([1, 2])), "a tuple of 2 for query 5"),
        ((row for row in [1, 2]), "returned generator for query 5"),
        (["a", "b"], "text, not integers"),
        ([1, None], "objects, not integers"),
        ([1.0, float("nan")], "float64"),
        (None, "returned NoneType for query 5"),
        ({1: 2}, "returned dict for query 5"),
        ([[1], [2, 3]], "returned no array for query 5"),
    ],
)
def test_answers_that_are_no_row_of_ids_are_refused(answer: object, says: str) -> None:
    """The message names the query, what came, and what the protocol asks for."""
    with pytest.raises(answers.AnswerError, match=says):
        answers.stack([answer], 2, [5])


def test_one_wrong_row_among_right_ones_is_found() -> None:
    """Rows whose lengths add up by chance are not mistaken for rows of k."""
    with pytest.raises(answers.AnswerError, match="query 1"):
        answers.stack([np.array([1]), np.array([1, 2, 3])], 2)


def test_batch_answers_have_a_row_for_each_query() -> None:
    """Missing columns are pads; missing rows and floats are refused."""
    assert answers.check_batch(np.array([[1], [2]]), 2, 2).tolist() == [[1, -1], [2, -1]]
    assert answers.check_batch([[], []], 2, 2).tolist() == [[-1, -1], [-1, -1]]
    with pytest.raises(answers.AnswerError, match=r"shape \(2, 1\).*\(3, 2\)"):
        answers.check_batch(np.array([[1], [2]]), 3, 2)
    with pytest.raises(answers.AnswerError, match="float32"):
        answers.check_batch(np.zeros((3, 2), dtype=np.float32), 3, 2)


def test_ids_outside_the_base_name_query_and_id() -> None:
    """0…n−1 and −1 pass; the first other id is named with its query."""
    answers.check_range(np.array([[0, -1, 9]]), 10)
    with pytest.raises(answers.AnswerError, match=r"query 1 got id 10 .* 0 to 9"):
        answers.check_range(np.array([[0, 1], [10, 2]]), 10)
    with pytest.raises(answers.AnswerError, match="id -2"):
        answers.check_range(np.array([[-2, 1]]), 10)


@pytest.mark.parametrize(
    "answer",
    [
        [[1], [2, 3], []],
        [np.array([1], dtype=np.uint32), np.array([2, 3], dtype=np.uint32), np.array([])],
        ([1], [2, 3], []),
        np.array([[1], [2, 3], []], dtype=object),
        [(1,), (2, 3), ()],
    ],
    ids=["lists", "arrays", "tuple", "array of objects", "tuples"],
)
def test_rows_of_a_batch_may_have_different_lengths(answer: object) -> None:
    """Each is padded to k, whatever holds them."""
    assert answers.check_batch(answer, 3, 2).tolist() == [[1, -1], [2, 3], [-1, -1]]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([[1], [2, 3]], "returned 2 rows for 3 queries"),
        ([[1], [2, 3, 4], []], r"shape \(3,\) for query 1"),
        ([[1], [2, 3], 4], "returned int for query 2"),
        ([[1], [0.5, 3], []], "float64, not integers"),
        ((np.ones((3, 2), dtype=int), np.ones((3, 2))), "tuple of 2; return the ids alone"),
        (([[1], [2, 3], []], [[0.1], [0.2, 0.3], []]), "tuple of 2; return the ids alone"),
        ((row for row in [[1], [2], [3]]), "search returned generator"),
        (None, "search returned NoneType"),
        ("abc", "search returned str"),
    ],
)
def test_a_batch_that_is_no_ids_is_refused(answer: object, says: str) -> None:
    """The message says what came and what to return."""
    with pytest.raises(answers.AnswerError, match=says):
        answers.check_batch(answer, 3, 2)


def test_two_rows_in_a_tuple_are_two_answers() -> None:
    """And no ids with their distances."""
    assert answers.check_batch(([1, 2], [3, 4]), 2, 2).tolist() == [[1, 2], [3, 4]]
    assert answers.check_batch(([1], [3, 4]), 2, 2).tolist() == [[1, -1], [3, 4]]


@pytest.mark.parametrize("answer", [[], (), np.empty((0, 2)), np.empty((0, 0)), np.empty(0)])
def test_no_queries_have_no_rows(answer: object) -> None:
    """However the index puts it."""
    assert answers.check_batch(answer, 0, 2).shape == (0, 2)


def test_the_answer_to_one_query_may_be_a_row_alone() -> None:
    """As some libraries answer a batch of one."""
    assert answers.check_batch(np.array([4, 5]), 1, 3).tolist() == [[4, 5, -1]]
    assert answers.check_batch([4, 5, 6], 1, 3).tolist() == [[4, 5, 6]]
    with pytest.raises(answers.AnswerError, match="shape"):
        answers.check_batch([4, 5, 6, 7], 1, 3)
    with pytest.raises(answers.AnswerError, match="shape"):
        answers.check_batch([4, 5], 2, 3)
