"""What an index answers, as padded ids: the one rule of the runner and the conformance kit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PaddedIds = NDArray[np.int64]

_WORDS = {"U": "text", "S": "bytes", "O": "objects", "b": "true and false"}
_ALONE = "return the ids alone: distances that an index reports are not used"


class AnswerError(Exception):
    """An adapter returned something that the index protocol does not allow."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}; {remedy}" if remedy else reason)
        self.reason = reason
        self.remedy = remedy


def check_batch(answer: Any, m: int, k: int) -> PaddedIds:
    """The answer of one call with all queries as int64 (m, k).

    It is an array, or a sequence of `m` rows of any lengths up to `k`; -1 stands for what is
    missing. The answer to one query may be a row alone, as some libraries have it. The result may
    lie in the memory of the answer.

    Raises
    ------
    AnswerError
        It has another shape, or holds something else than integers.
    """
    # Two matrices are ids and distances in either order; two rows are answers to two queries.
    if isinstance(answer, tuple) and any(_dimensions(each) >= 2 for each in answer):
        raise AnswerError(f"search returned a tuple of {len(answer)}", _ALONE)
    try:
        ids = np.asarray(answer)
    except (TypeError, ValueError):
        # Numpy makes no array of rows of different lengths.
        return _rows(answer, m, k)
    if not ids.ndim:
        raise AnswerError(
            f"search returned {type(answer).__name__}", f"return an array of ids, ({m}, {k})"
        )
    if ids.ndim == 1 and len(ids) == m and (not m or ids.dtype.kind == "O"):
        return _rows(list(ids), m, k)
    if ids.ndim == 1 and m == 1:
        ids = ids[np.newaxis]
    if ids.ndim != 2 or ids.shape[0] != m or ids.shape[1] > k:
        raise AnswerError(
            f"search returned shape {ids.shape} for {m} queries and k={k}",
            f"return an array of shape ({m}, {k}), padded with -1 where fewer are found",
        )
    if ids.shape[1] == k:
        return _integers(ids, "search")
    padded = np.full((m, k), -1, dtype=np.int64)
    padded[:, : ids.shape[1]] = _integers(ids, "search")
    return padded


def _rows(answer: Any, m: int, k: int) -> PaddedIds:
    rows = list(answer)
    if len(rows) != m:
        raise AnswerError(f"search returned {len(rows)} rows for {m} queries", "return one each")
    return _padded(rows, k, "search", None)


def stack(
    answers: list[Any], k: int, numbers: Sequence[Any] | NDArray[Any] | None = None
) -> PaddedIds:
    """Answers of single queries as one int64 array (m, k), short rows padded with -1.

    Raises
    ------
    AnswerError
        Naming the first query whose answer is not allowed, by its number of `numbers` where they
        are given.
    """
    try:
        # A ufunc-free concatenation of equal rows costs a tenth of looking at each of them.
        block = np.concatenate(answers)
        if {len(answer) for answer in answers} == {k} and block.ndim == 1:
            return _integers(block, "search_one").reshape(len(answers), k)
    except (TypeError, ValueError):
        pass
    return _padded(answers, k, "search_one", numbers)


def _padded(
    rows: list[Any], k: int, method: str, numbers: Sequence[Any] | NDArray[Any] | None
) -> PaddedIds:
    ids = np.full((len(rows), k), -1, dtype=np.int64)
    for place, row in enumerate(rows):
        found = _row(row, k, method, place if numbers is None else numbers[place])
        ids[place, : len(found)] = found
    return ids


def _row(answer: Any, k: int, method: str, query: int) -> PaddedIds:
    if isinstance(answer, tuple) and any(_dimensions(each) >= 1 for each in answer):
        raise AnswerError(f"{method} returned a tuple of {len(answer)} for query {query}", _ALONE)
    try:
        row = np.asarray(answer)
    except (TypeError, ValueError) as error:
        raise AnswerError(
            f"{method} returned no array for query {query} ({error})", "return one row of ids"
        ) from None
    if row.ndim != 1 or len(row) > k:
        seen = f"shape {row.shape}" if row.ndim else type(answer).__name__
        raise AnswerError(
            f"{method} returned {seen} for query {query}",
            f"the protocol asks for one row of at most k={k} ids",
        )
    return _integers(row, method)


def _dimensions(value: Any) -> int:
    try:
        return np.ndim(value)
    except (TypeError, ValueError):
        # Rows of different lengths.
        return 2


def _integers(ids: NDArray[Any], method: str) -> PaddedIds:
    # Numpy takes a list without numbers for floats.
    if ids.size and ids.dtype.kind not in "iu":
        raise AnswerError(
            f"{method} returned {_WORDS.get(ids.dtype.kind, ids.dtype)}, not integers",
            "return ids.astype(np.int64): row numbers of the base",
        )
    return ids.astype(np.int64, copy=False)


def check_range(ids: PaddedIds, n: int) -> None:
    """Raise where an id is neither a row of the base (0…n-1) nor the pad -1."""
    wrong = (ids < -1) | (ids >= n)
    if wrong.any():
        query, place = np.argwhere(wrong)[0]
        rows = f"row numbers 0 to {n - 1} of the base that fit was given" if n else "none"
        one = "; do yours begin with 1?" if n and ids.max() == n and ids.min() > 0 else ""
        raise AnswerError(
            f"query {query} got id {ids[query, place]} from a base of {n} vectors",
            f"ids are {rows}, or -1 to pad{one}",
        )
