"""The timed passes: in the loop there are the adapter's call and two clock readings.

Each counted pass is in an order of its own, and a disturbed one is done again.
"""

from __future__ import annotations

import gc
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.answers import AnswerError, stack
from vbench.indexes.protocol import Filter, Ids, Index, Vectors
from vbench.metric import Metric

SearchOne = Callable[[NDArray[np.float32], int], Any]
Allow = Callable[[Filter | None], None]

QUIET = 0.93
"""CPU time / wall time under which a pass on one thread was disturbed by other processes."""

_CHUNK = 8192


class Clock(NamedTuple):
    """What time is read from: nanoseconds of the wall, and of this process's CPU time."""

    wall: Callable[[], int]
    cpu: Callable[[], int]


class _Collector(NamedTuple):
    collect: Callable[[], int]
    freeze: Callable[[], None]
    unfreeze: Callable[[], None]
    disable: Callable[[], None]
    enable: Callable[[], None]
    is_enabled: Callable[[], bool]


# Bound before any adapter is imported, and inside of tuples: what an adapter puts in the place of
# the functions of these modules, or of names that stand for them, reaches no measurement.
SYSTEM = Clock(time.perf_counter_ns, time.process_time_ns)
_GARBAGE = _Collector(gc.collect, gc.freeze, gc.unfreeze, gc.disable, gc.enable, gc.isenabled)


class Conditions(NamedTuple):
    """A condition for each query: how it is given to the index, and those of some queries (r,).

    At most `chunk` of them are made at a time.
    """

    allow: Allow
    of: Callable[[NDArray[np.integer[Any]]], list[Filter]]
    chunk: int


class Pass(NamedTuple):
    """All queries, one at a time.

    Attributes
    ----------
    ids : int64 (m, k), -1 pads
    latency_ns : int64 (m,)
    wall_ns, cpu_ns : int
        Time of the whole pass, the harness's own included.
    filter_ns : int64 (m,)
        What of a latency went into the query's own condition; None where queries have none.
    """

    ids: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    wall_ns: int
    cpu_ns: int
    filter_ns: NDArray[np.int64] | None = None

    @property
    def cpu_share(self) -> float:
        """CPU time / wall time."""
        return self.cpu_ns / max(1, self.wall_ns)

    @property
    def outside_ns(self) -> float:
        """The harness's own time per query outside the timed call."""
        return (self.wall_ns - int(self.latency_ns.sum())) / max(1, len(self.latency_ns))

    @property
    def own_cpu_ns(self) -> float:
        """CPU time per query inside the timed call."""
        # Threads of the index work while it is called; outside of it there is the harness alone.
        outside = self.outside_ns * min(1.0, self.cpu_share)
        return max(0.0, self.cpu_ns / max(1, len(self.latency_ns)) - outside)


def leave_to_gc_what_is_new() -> None:
    """Collect garbage; what is left, modules and a built index, is not looked through again.

    To look through it before each pass would take longer than many a pass does.
    """
    collector = _GARBAGE
    collector.unfreeze()
    collector.collect()
    collector.freeze()


@contextmanager
def without_gc() -> Iterator[None]:
    """No garbage collection while the clock runs."""
    collector = _GARBAGE
    was_enabled = collector.is_enabled()
    collector.collect()
    collector.disable()
    try:
        yield
    finally:
        if was_enabled:
            collector.enable()


@contextmanager
def unchanged(queries: NDArray[np.float32]) -> Iterator[None]:
    """Raise where an index writes into queries that are read-only.

    Raises
    ------
    AnswerError
    """
    before = None if queries.flags.writeable else zlib.crc32(queries.data)
    yield
    if before is not None and zlib.crc32(queries.data) != before:
        raise AnswerError("search changed the queries it was given; copy them first")


def time_singly(
    search_one: SearchOne,
    queries: NDArray[np.float32],
    k: int,
    *,
    order: NDArray[np.integer[Any]] | None = None,
    clock: Clock = SYSTEM,
    conditions: Conditions | None = None,
) -> Pass:
    """Ask each query (m, d) alone and time each call.

    Parameters
    ----------
    queries
        Where they are read-only, so is what is asked.
    order : (m,), optional
        Rows of the queries in the order in which they are asked. Ids and times come back in the
        order of the queries all the same.
    conditions
        Of queries that each have their own: giving it is part of the call.

    Raises
    ------
    AnswerError
        When an answer is not at most `k` integers in one row, or the index wrote into queries
        that are read-only.
    """
    m = len(queries)
    order = np.arange(m) if order is None else order
    ids = np.empty((m, k), dtype=np.int64)
    latency = np.empty(m, dtype=np.int64)
    filter_ns = None if conditions is None else np.empty(m, dtype=np.int64)
    step = _CHUNK if conditions is None else conditions.chunk
    # One after the other in memory too: to fetch them from all over it would count as search.
    asked = queries[order]
    asked.flags.writeable = queries.flags.writeable
    with unchanged(asked), without_gc():
        cpu, wall = clock.cpu(), clock.wall()
        for start in range(0, m, step):
            chunk = slice(start, min(m, start + step))
            if conditions is None or filter_ns is None:
                answers, times = time_calls(search_one, list(asked[chunk]), k, clock.wall)
            else:
                answers, times, filter_ns[chunk] = _time_filtered(
                    search_one, conditions, order[chunk], list(asked[chunk]), k, clock.wall
                )
            latency[chunk] = times
            ids[chunk] = stack(answers, k, order[chunk])
        wall, cpu = clock.wall() - wall, clock.cpu() - cpu
    back = np.empty(m, dtype=np.intp)
    back[order] = np.arange(m)
    given = None if filter_ns is None else filter_ns[back]
    return Pass(ids[back], latency[back], wall, cpu, given)


def time_calls(
    search_one: SearchOne,
    queries: Sequence[NDArray[np.float32]],
    k: int,
    now: Callable[[], int],
) -> tuple[list[Any], list[int]]:
    """The answer to each query, or to each batch, copied as it came, and the time of the call."""
    copy = np.array
    answers: list[Any] = [None] * len(queries)
    times = [0] * len(queries)
    for i, query in enumerate(queries):
        before = now()
        answer = search_one(query, k)
        after = now()
        times[i] = after - before
        # An index may answer in the same list or memory each time.
        try:
            answers[i] = answer if type(answer) is tuple else copy(answer)
        except (TypeError, ValueError):
            answers[i] = answer  # no row of numbers, as it will be told
    return answers, times


def _time_filtered(
    search_one: SearchOne,
    conditions: Conditions,
    rows: NDArray[np.integer[Any]],
    queries: Sequence[NDArray[np.float32]],
    k: int,
    now: Callable[[], int],
) -> tuple[list[Any], list[int], list[int]]:
    """The same under each query's own condition, and how much of the time that took."""
    copy, allow = np.array, conditions.allow
    answers: list[Any] = [None] * len(queries)
    times, given = [0] * len(queries), [0] * len(queries)
    for i, (query, condition) in enumerate(zip(queries, conditions.of(rows), strict=True)):
        before = now()
        allow(condition)
        between = now()
        answer = search_one(query, k)
        after = now()
        times[i], given[i] = after - before, between - before
        try:
            answers[i] = answer if type(answer) is tuple else copy(answer)
        except (TypeError, ValueError):
            answers[i] = answer
    return answers, times, given


def count_differing(a: Ids, b: Ids) -> int:
    """Number of rows whose ids differ as sets."""
    same = (a == b).all(axis=1)
    rest = np.flatnonzero(~same)
    return int((np.sort(a[rest], axis=1) != np.sort(b[rest], axis=1)).any(axis=1).sum())


Queries = Callable[[], NDArray[np.float32]]
"""The queries as an index is given them."""


class Passes(NamedTuple):
    """What was measured at one setting.

    Attributes
    ----------
    counted
        As many as were asked for.
    order_seeds
        What the order of each of them was drawn with.
    redone
        How many more there were, left out because other processes disturbed them.
    first_ns : int64 (m,)
        The first touch of each query: its time in the first pass of all, counted or not.
    """

    counted: list[Pass]
    order_seeds: list[int]
    redone: int
    first_ns: NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many passes there were in all."""
        return len(self.counted) + self.redone


def measure(
    search_one: SearchOne,
    queries: Queries,
    k: int,
    *,
    repeats: int,
    order_seed: int,
    local: bool = True,
    clock: Clock = SYSTEM,
    conditions: Conditions | None = None,
) -> Passes:
    """Make `repeats` passes; a disturbed one is done again, at most `repeats` times in all.

    Parameters
    ----------
    order_seed
        Of it and of its number each pass draws the order of its queries.
    local
        False where another process does the work: then waiting is no disturbance.
    """
    counted: list[Pass] = []
    seeds: list[int] = []
    redone = 0
    first: NDArray[np.int64] | None = None
    while len(counted) < repeats:
        seed = pass_seed(order_seed, len(counted) + redone)
        given = queries()
        order = np.random.default_rng(seed).permutation(len(given))
        done = time_singly(search_one, given, k, order=order, clock=clock, conditions=conditions)
        first = done.latency_ns if first is None else first
        if is_disturbed(done, local=local) and redone < repeats:
            redone += 1
            continue
        counted.append(done)
        seeds.append(seed)
    return Passes(counted, seeds, redone, counted[0].latency_ns if first is None else first)


def pass_seed(order_seed: int, number: int) -> int:
    """The seed of the order of a build's pass of this number."""
    return int(np.random.SeedSequence([order_seed, 1, number]).generate_state(1)[0])


def is_disturbed(done: Pass, *, local: bool) -> bool:
    """Whether other processes took the core during a pass."""
    return local and done.cpu_share < QUIET


class Null(Index):
    """Does nothing: what is measured on it is the harness's own cost."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self._n = len(base)
        self._row = np.empty(0, dtype=np.int64)

    def search(self, queries: Vectors, k: int) -> Ids:
        return np.tile(self.search_one(queries, k), (len(queries), 1))

    def search_one(self, query: Vectors, k: int) -> Ids:
        if len(self._row) != k:
            self._row = np.arange(k) % self._n
        return self._row
