"""The timed passes: in the loop there are the adapter's call and two clock readings."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
SearchOne = Callable[[NDArray[np.float32], int], Any]

QUIET = 0.93
"""CPU time / wall time under which a pass on one thread was disturbed by other processes."""

_CHUNK = 8192


class AnswerError(Exception):
    """An adapter returned something that the index protocol does not allow."""


class Pass(NamedTuple):
    """All queries, one at a time.

    Attributes
    ----------
    ids : int64 (m, k), -1 pads
    latency_ns : int64 (m,)
    cpu_share : float
        CPU time / wall time.
    outside_ns : float
        The harness's own time per query outside the timed call.
    """

    ids: Ids
    latency_ns: NDArray[np.int64]
    cpu_share: float
    outside_ns: float


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection while the clock runs."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def reuses_memory(search_one: SearchOne, queries: NDArray[np.float32], k: int) -> bool:
    """Whether an answer lies in the memory of the one before, so that it must be copied."""
    if len(queries) < 2:
        return False
    first, second = (np.asarray(search_one(query, k)) for query in queries[:2])
    return np.shares_memory(first, second)


def one_by_one(
    search_one: SearchOne, queries: NDArray[np.float32], k: int, *, copy: bool = False
) -> Pass:
    """Ask each query (m, d) alone and time each call; `copy` the answers of a reused buffer.

    Raises
    ------
    AnswerError
        When an answer is not at most `k` integers in one row.
    """
    m = len(queries)
    ids = np.empty((m, k), dtype=np.int64)
    latency = np.empty(m, dtype=np.int64)
    clock = time.perf_counter_ns
    with undisturbed():
        cpu, wall = time.process_time_ns(), clock()
        for start in range(0, m, _CHUNK):
            rows = list(queries[start : start + _CHUNK])
            answers: list[Any] = [None] * len(rows)
            times = [0] * len(rows)
            for i, query in enumerate(rows):
                before = clock()
                answer = search_one(query, k)
                after = clock()
                answers[i] = np.array(answer) if copy else answer
                times[i] = after - before
            latency[start : start + len(rows)] = times
            ids[start : start + len(rows)] = stack(answers, k, start)
        wall, cpu = clock() - wall, time.process_time_ns() - cpu
    outside = (wall - int(latency.sum())) / max(1, m)
    return Pass(ids, latency, cpu / max(1, wall), outside)


def stack(answers: list[Any], k: int, first: int = 0) -> Ids:
    """Answers of single queries as one int64 array (m, k), short rows padded with -1.

    Raises
    ------
    AnswerError
        Naming the first query (counted from `first`) whose answer is not allowed.
    """
    try:
        # A ufunc-free concatenation of equal rows costs a tenth of looking at each of them.
        block = np.concatenate(answers)
        if {len(answer) for answer in answers} == {k} and block.ndim == 1:
            return _integers(block, "search_one").reshape(len(answers), k)
    except (TypeError, ValueError):
        pass
    ids = np.full((len(answers), k), -1, dtype=np.int64)
    for row, answer in enumerate(answers):
        ids[row] = _row(answer, k, first + row)
    return ids


def _row(answer: Any, k: int, query: int) -> Ids:
    row = np.asarray(answer)
    if row.ndim != 1 or len(row) > k:
        raise AnswerError(
            f"search_one returned shape {row.shape} for query {query}; "
            f"the protocol asks for one row of at most k={k} ids"
        )
    padded = np.full(k, -1, dtype=np.int64)
    padded[: len(row)] = _integers(row, "search_one")
    return padded


def whole(answer: Any, m: int, k: int) -> Ids:
    """The answer of one call with all queries as int64 (m, k), missing columns padded with -1.

    Raises
    ------
    AnswerError
        When it is not an integer array of m rows and at most k columns.
    """
    ids = np.asarray(answer)
    if ids.ndim != 2 or ids.shape[0] != m or ids.shape[1] > k:
        raise AnswerError(f"search returned shape {ids.shape}; the protocol asks for ({m}, {k})")
    if ids.shape[1] == k:
        return _integers(ids, "search")
    padded = np.full((m, k), -1, dtype=np.int64)
    padded[:, : ids.shape[1]] = _integers(ids, "search")
    return padded


def _integers(ids: NDArray[Any], method: str) -> Ids:
    # Numpy takes a list without numbers for floats.
    if ids.size and ids.dtype.kind not in "iu":
        raise AnswerError(f"{method} returned {ids.dtype}; the protocol asks for integer ids")
    return ids.astype(np.int64, copy=False)


def check_range(ids: Ids, n: int) -> None:
    """Raise where an id is neither a row of the base (0…n-1) nor the pad -1.

    Raises
    ------
    AnswerError
        Naming the first query and id.
    """
    wrong = (ids < -1) | (ids >= n)
    if wrong.any():
        query, place = np.argwhere(wrong)[0]
        raise AnswerError(
            f"query {query} got id {ids[query, place]}; ids are row numbers 0 to {n - 1}, "
            "or -1 to pad"
        )


def differing(a: Ids, b: Ids) -> int:
    """Number of rows whose ids differ as sets."""
    same = (a == b).all(axis=1)
    rest = np.flatnonzero(~same)
    return int((np.sort(a[rest], axis=1) != np.sort(b[rest], axis=1)).any(axis=1).sum())
