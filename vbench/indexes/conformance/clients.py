"""Checks of an index that several clients ask: the same answers, and nobody kept waiting."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vbench._process.forks import start_from_new_thread
from vbench._process.text import describe_error
from vbench.indexes.answers import check_batch, stack
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    prepare_array,
    search_each,
)
from vbench.indexes.handles import client_means, handles_of, server_of
from vbench.indexes.protocol import Ids, Index, Vectors

_THREADS, _ROUNDS = 4, 3
_SWITCH_SECONDS = 1e-6
"""How soon threads take turns: what is not safe then shows."""
_LONG_SECONDS, _MOST_QUERIES = 0.06, 65_536
_CALLS, _TICK_SECONDS, _LET_GO = 3, 0.001, 0.1
"""Calls to look at, how often, and which share of it must work."""
_FORK_SECONDS = 20.0
_NO_FORK = 'say forks = False, and clients = "threads" where threads may search at once'
_REMEDY = (
    "keep what a search writes to in the handle that connect(cls, server) gives each client, or "
    'leave out clients = "threads"'
)


def several_clients(subject: Subject) -> None:
    """Clients that ask at the same time get the answers that each gets alone."""
    means = client_means(subject.kind)
    if means is None:
        raise NotApplicableError(
            'asked by one client: no fork, no clients = "threads", and no connect'
        )
    base, queries = subject.vectors(2000, seed=40, d=32), subject.vectors(100, seed=41, d=32)
    with subject.make_fitted(base) as index:
        alone = search_each(index, queries, K, len(base))
        if means == "processes":
            _check_handle(subject, index, queries, alone)
        if means == "forks":
            _check_fork(index, queries, alone)
        if subject.kind.clients is None:
            return
        handles = handles_of(index, _THREADS)
        try:
            _refuse_shared_answers(handles[:2], queries, alone)
            _refuse_mixed_answers(handles, queries, alone)
        finally:
            for each in handles:
                if each is not index:
                    each.close()
        if _holds_lock(index, queries):
            raise DoubtfulError(
                "search keeps Python's lock while it searches: other threads wait for it",
                'leave out clients = "threads" where the library does not let go of the lock',
            )


def _check_fork(index: Index, queries: Vectors, alone: Ids) -> None:
    """A forked copy of the process, in which the index was built before, answers alike."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def ask() -> None:
        ours.close()
        try:
            theirs.send(search_each(index, queries, K, 2000))
        except BaseException as error:
            theirs.send(f"raised {describe_error(error)}")

    process = context.Process(target=ask, daemon=True)
    start_from_new_thread(process)
    theirs.close()
    found: Any = "did not answer"
    try:
        if ours.poll(_FORK_SECONDS):
            found = ours.recv()
    except EOFError:
        found = "ended without an answer"
    finally:
        ours.close()
        process.kill()
        process.join()
    if isinstance(found, str):
        raise WrongError(f"a forked copy of the process {found}", _NO_FORK)
    if changed := changed_rows(found, alone):
        raise WrongError(
            f"in a forked copy of the process {changed} of {len(queries)} queries got other ids",
            _NO_FORK,
        )


def _check_handle(subject: Subject, index: Index, queries: Vectors, alone: Ids) -> None:
    """A client of another process connects to what can be sent there."""
    try:
        server = pickle.loads(pickle.dumps(server_of(index)))
    except Exception as error:
        raise WrongError(
            f"server returned what cannot be sent to another process ({describe_error(error)})",
            "return plain values, such as an address and a name",
        ) from None
    handle = subject.kind.connect(server)
    try:
        handle.set(**subject.setting(-1))
        found = search_each(handle, queries, K, 2000)
    finally:
        handle.close()
    if changed := changed_rows(found, alone):
        raise WrongError(
            f"connect gave a handle by which {changed} of {len(queries)} queries get other ids",
            "connect to what this index has built",
        )
    if changed := changed_rows(search_each(index, queries, K, 2000), alone):
        raise WrongError(
            f"{changed} of {len(queries)} queries get other ids once a handle was closed",
            "let close of a handle leave alone what others search",
        )


def _refuse_shared_answers(handles: Sequence[Index], queries: Vectors, alone: Ids) -> None:
    """What one client was answered is not overwritten by the answer to another."""
    barrier = threading.Barrier(len(handles))

    def ask(number: int) -> Ids:
        asked = prepare_array(handles[number], np.roll(queries, number, axis=0))
        found = np.full((len(asked), K), -1, dtype=np.int64)
        for row, query in enumerate(asked):
            barrier.wait()
            answer = handles[number].search_one(query, K)
            barrier.wait()
            found[row] = stack([answer], K, [row])[0]
        return np.roll(found, -number, axis=0)

    _compare(_at_once(ask, len(handles), barrier), alone, "asked in turn by two threads")


def _refuse_mixed_answers(handles: Sequence[Index], queries: Vectors, alone: Ids) -> None:
    """Threads that ask as fast as they can get their own answers."""
    barrier = threading.Barrier(len(handles))

    def ask(number: int) -> Ids:
        asked = prepare_array(handles[number], np.roll(queries, number, axis=0))
        barrier.wait()
        worst = alone
        for _ in range(_ROUNDS):
            found = np.roll(search_each(handles[number], asked, K, 2000), -number, axis=0)
            worst = max(worst, found, key=lambda ids: changed_rows(ids, alone))
        return worst

    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        found = _at_once(ask, len(handles), barrier)
    finally:
        sys.setswitchinterval(before)
    _compare(found, alone, f"asked by {len(handles)} threads at once")


def _compare(found: Sequence[Ids], alone: Ids, how: str) -> None:
    changed = max(changed_rows(each, alone) for each in found)
    if changed:
        raise WrongError(f"{how}, {changed} of {len(alone)} queries got other ids", _REMEDY)


def _at_once(ask: Callable[[int], Ids], count: int, barrier: threading.Barrier) -> list[Ids]:
    """What each of so many threads found; an error of one is raised here."""
    found: list[Any] = [None] * count

    def work(number: int) -> None:
        try:
            found[number] = ask(number)
        except BaseException as error:
            found[number] = error
            barrier.abort()

    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    errors = [each for each in found if isinstance(each, BaseException)]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise WrongError(
                f"asked by several threads it raised {describe_error(error)}", _REMEDY
            ) from error
    return found


def _holds_lock(index: Index, queries: Vectors) -> bool:
    """Whether no other thread does anything while a long call searches."""
    many = queries
    while True:
        asked = prepare_array(index, many)
        began = time.perf_counter()
        answer = index.search(asked, K)
        long = time.perf_counter() - began >= _LONG_SECONDS
        check_batch(copy.copy(answer), len(many), K)
        if long or len(many) >= _MOST_QUERIES:
            break
        many = np.concatenate([many, many])
    if not long:
        return False  # too fast to tell
    began = time.perf_counter()
    ticks = _ticks_during(lambda: [index.search(asked, K) for _ in range(_CALLS)])
    spent = time.perf_counter() - began
    # A sleep lets go of the lock; on a machine that has other work too it is as slow.
    return ticks < _LET_GO * _ticks_during(lambda: time.sleep(spent))


def _ticks_during(work: Callable[[], Any]) -> int:
    """How often this thread gets to do something while another one works."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ticks = 0
    while thread.is_alive():
        ticks += 1
        time.sleep(_TICK_SECONDS)
    return ticks
