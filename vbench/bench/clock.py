"""The timed passes: in the loop there are the adapter's call and two clock readings."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.adapters.answers import AnswerError as AnswerError
from vbench.adapters.answers import check_range as check_range
from vbench.adapters.answers import stack as stack
from vbench.adapters.answers import whole as whole

Ids = NDArray[np.int64]
SearchOne = Callable[[NDArray[np.float32], int], Any]

QUIET = 0.93
"""CPU time / wall time under which a pass on one thread was disturbed by other processes."""

_CHUNK = 8192


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


def differing(a: Ids, b: Ids) -> int:
    """Number of rows whose ids differ as sets."""
    same = (a == b).all(axis=1)
    rest = np.flatnonzero(~same)
    return int((np.sort(a[rest], axis=1) != np.sort(b[rest], axis=1)).any(axis=1).sum())
