"""The timed passes, and what they accept from an adapter."""

from __future__ import annotations

import array
import gc
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from machine import Machine

from vbench.bench.worker import clock
from vbench.indexes.answers import AnswerError

QUERIES = np.arange(12, dtype=np.float32).reshape(6, 2)


def test_one_by_one_keeps_ids_and_times_of_every_query() -> None:
    """Each query is asked once, alone, in order."""
    asked = []

    def search_one(query: np.ndarray, k: int) -> np.ndarray:
        asked.append(query.copy())
        return np.array([query[0], query[1], 0], dtype=np.int64)

    done = clock.time_singly(search_one, QUERIES, 3)
    assert np.array_equal(np.stack(asked), QUERIES)
    assert done.ids[:, 0].tolist() == QUERIES[:, 0].tolist()
    assert done.latency_ns.shape == (6,)
    assert (done.latency_ns > 0).all()


def test_ids_and_times_of_another_order_come_back_in_that_of_the_queries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also over chunks; the clock is the one that was handed in."""
    monkeypatch.setattr(clock, "_CHUNK", 4)
    machine, asked = Machine(), []

    def search_one(query: np.ndarray, k: int) -> list[int]:
        asked.append(int(query[0]))
        machine.work(100 + int(query[0]))
        return [int(query[0])]

    order = np.array([4, 0, 5, 1, 3, 2])
    done = clock.time_singly(search_one, QUERIES, 1, order=order, clock=machine.clock)
    assert asked == [8, 0, 10, 2, 6, 4]
    assert done.ids[:, 0].tolist() == [0, 2, 4, 6, 8, 10]
    assert done.latency_ns.tolist() == [100, 102, 104, 106, 108, 110]
    assert (done.wall_ns, done.cpu_share, done.outside_ns) == (630, 1.0, 0.0)


def test_cpu_time_inside_the_call_is_told_from_that_outside() -> None:
    """Of several threads all but the harness's own; of a disturbed pass no more than it had."""
    nothing = np.zeros((4, 1), np.int64)
    latency = np.full(4, 80)
    busy = clock.Pass(nothing, latency, wall_ns=400, cpu_ns=400)
    assert (busy.outside_ns, busy.own_cpu_ns) == (20, 80)
    threads = clock.Pass(nothing, latency, wall_ns=400, cpu_ns=720)
    assert threads.own_cpu_ns == 160
    disturbed = clock.Pass(nothing, latency, wall_ns=400, cpu_ns=200)
    assert (disturbed.cpu_share, disturbed.own_cpu_ns) == (0.5, 40)


def refilled(make: Callable[[], Any]) -> Callable[[np.ndarray, int], Any]:
    """A search that answers in the same object each time."""
    memory = make()

    def search_one(query: np.ndarray, k: int) -> Any:
        memory[0], memory[1] = int(query[0]), int(query[1])
        return memory

    return search_one


def in_a_view(query: np.ndarray, k: int, memory: np.ndarray = np.zeros(9, np.int64)) -> Any:  # noqa: B008
    """Another view on one buffer each time."""
    memory[3:5] = query
    return memory[3:5]


def of_cells(
    query: np.ndarray,
    k: int,
    cells: tuple[np.ndarray, ...] = (np.zeros((), np.int64), np.zeros((), np.int64)),
) -> Any:
    """A new list each time, of numbers that change later."""
    for cell, value in zip(cells, query, strict=True):
        cell[...] = value
    return list(cells)


@pytest.mark.parametrize(
    "search_one",
    [
        refilled(lambda: [0, 0]),
        refilled(lambda: np.zeros(2, np.int32)),
        refilled(lambda: array.array("q", [0, 0])),
        refilled(lambda: memoryview(bytearray(16)).cast("q")),
        in_a_view,
        of_cells,
    ],
)
def test_answers_are_kept_whatever_becomes_of_their_memory(
    search_one: Callable[[np.ndarray, int], Any],
) -> None:
    """An adapter may answer in the same list or memory each time; its earlier answers stay."""
    done = clock.time_singly(search_one, QUERIES, 2)
    assert done.ids.tolist() == QUERIES.tolist()


def test_an_answer_that_is_none_is_named_by_the_number_of_its_query() -> None:
    """In whatever order the queries were asked."""

    def search_one(query: np.ndarray, k: int) -> Any:
        return [[1], [1, 2]] if query[0] == 8 else [1]

    with pytest.raises(AnswerError, match="for query 4"):
        clock.time_singly(search_one, QUERIES, 2, order=np.array([5, 4, 3, 2, 1, 0]))
    with pytest.raises(AnswerError, match=r"returned a tuple of 2 .*return the ids alone"):
        clock.time_singly(lambda query, k: (np.ones(2), np.arange(2)), QUERIES, 2)


def test_queries_that_are_read_only_stay_as_they_are() -> None:
    """What is asked is read-only too; who writes past that is told."""
    given = QUERIES.copy()
    given.flags.writeable = False

    def writes(query: np.ndarray, k: int) -> list[int]:
        query[0] = 3
        return [1]

    def writes_past_that(query: np.ndarray, k: int) -> list[int]:
        assert query.base is not None
        query.base.flags.writeable = True
        query.base[0] = 77
        return [1]

    with pytest.raises(ValueError, match="read-only"):
        clock.time_singly(writes, given, 1)
    with pytest.raises(AnswerError, match="search changed the queries"):
        clock.time_singly(writes_past_that, given, 1)
    assert np.array_equal(given, QUERIES)
    clock.time_singly(writes, QUERIES.copy(), 1)


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_while_the_clock_runs(
    monkeypatch: pytest.MonkeyPatch, *, enabled: bool
) -> None:
    """Nor where an adapter put something else in the place of the switch; then all is as before."""
    seen = []
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        monkeypatch.setattr(gc, "disable", lambda: None)
        clock.time_singly(lambda query, k: seen.append(gc.isenabled()) or [0], QUERIES, 1)
        assert seen == [False] * 6
        assert gc.isenabled() is enabled
    finally:
        monkeypatch.undo()
        (gc.enable if was else gc.disable)()


def test_what_was_built_is_no_garbage_to_look_for() -> None:
    """Garbage goes; all else is set aside, and is looked through again when it is next asked."""

    class Node:
        def __init__(self) -> None:
            self.myself = self

    try:
        kept, dropped = Node(), weakref.ref(Node())
        clock.leave_to_gc_what_is_new()
        assert dropped() is None
        assert gc.get_freeze_count() > 0
        assert not any(each is kept for each in gc.get_objects())
        is_gone = weakref.ref(kept)
        del kept
        gc.collect()
        assert is_gone() is not None
        clock.leave_to_gc_what_is_new()
        assert is_gone() is None
    finally:
        gc.unfreeze()


def test_a_clock_that_an_adapter_puts_in_place_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether before the pass or in its middle."""

    def search_one(query: np.ndarray, k: int) -> list[int]:
        for name in ("perf_counter_ns", "process_time_ns", "monotonic_ns"):
            monkeypatch.setattr(time, name, lambda: 0)
        return [0]

    for _ in range(2):
        done = clock.time_singly(search_one, QUERIES, 1)
        assert (done.latency_ns > 0).all()
        assert done.wall_ns >= done.latency_ns.sum()


def test_rows_differ_as_sets() -> None:
    """The order of ids does not make two answers different."""
    a, b = np.array([[1, 2], [3, 4], [5, 5]]), np.array([[2, 1], [3, 9], [5, 6]])
    assert clock.count_differing(a, b) == 2
