"""Clients that ask at the same time: as threads that share an index, or as processes of their own.

What a client does while the clock runs is here too: as little as one client alone does.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vbench._document import Params
from vbench._process.text import describe_error
from vbench.bench import clock
from vbench.indexes.answers import AnswerError
from vbench.indexes.handles import handles_of
from vbench.indexes.protocol import Filter, Index
from vbench.indexes.registry import resolve

Call = Callable[[NDArray[np.float32], int], Any]
_SOON_NS = 3_000_000
"""From the moment that all clients are ready to the start."""
_SLACK_NS = 120_000
"""How late a sleep may end; what is left of it is waited for in naps of no length."""


class Part(NamedTuple):
    """What one client asks in a pass: queries, or batches of some, one after another.

    `due_ns` is when each may be asked, from the start of the pass: clients then take the next one
    of all, and hold all of them.
    """

    items: Sequence[NDArray[np.float32]]
    due_ns: Sequence[int] | None = None


class Asked(NamedTuple):
    """What a client was answered.

    Attributes
    ----------
    numbers
        Places of the items in the client's part.
    answers, times_ns
        The answer to each, as the index gave it, and its time: from when it was due.
    waits_ns
        How long each waited for its call to begin.
    idle_ns
        Of the waits, what passed while the client had nothing else to do.
    began_ns, ended_ns, cpu_ns
        When the client began and ended; the CPU time of its process, if it has one of its own.
    """

    numbers: Sequence[int]
    answers: list[Any]
    times_ns: list[int]
    waits_ns: list[int] | None
    idle_ns: int
    began_ns: int
    ended_ns: int
    cpu_ns: int = 0


class Clients(Protocol):
    """Clients that make passes together."""

    def make_pass(self, parts: Sequence[Part]) -> list[Asked]:
        """Let each client ask its part, all from the same moment on."""


def ask_part(
    call: Call, part: Part, k: int, take: Callable[[], int], start: int, time_: clock.Clock
) -> Asked:
    """Ask what a client is to ask from `start` on; `take` gives the next number of all clients'."""
    now = time_.wall
    if part.due_ns is None:
        wait_until(start, now)
        began = now()
        answers, times = clock.time_calls(call, part.items, k, now)
        return Asked(range(len(answers)), answers, times, None, 0, began, now())
    copy, items, due_ns = np.array, part.items, part.due_ns
    numbers: list[int] = []
    found: list[Any] = []
    spent: list[int] = []
    waits: list[int] = []
    idle, began, ended = 0, start, start
    while (number := take()) < len(items):
        due = start + due_ns[number]
        free = ended < due
        wait_until(due, now)
        before = now()
        answer = call(items[number], k)
        ended = now()
        idle += before - due if free else 0
        numbers.append(number)
        spent.append(ended - due)
        waits.append(before - due)
        try:
            found.append(answer if type(answer) is tuple else copy(answer))
        except (TypeError, ValueError):
            found.append(answer)
    return Asked(numbers, found, spent, waits, idle, began, ended)


def wait_until(due: int, now: Callable[[], int]) -> None:
    """Wait for a moment, and let other threads work meanwhile."""
    while (left := due - now()) > 0:
        time.sleep((left - _SLACK_NS) * 1e-9 if left > _SLACK_NS else 0)


@contextlib.contextmanager
def as_threads(
    index: Index, count: int, k: int, *, batches: bool, time_: clock.Clock
) -> Iterator[Clients]:
    """Clients that are threads of this process, each with a handle where the class gives them."""
    with contextlib.ExitStack() as stack:
        handles = handles_of(index, count) if count > 1 else [index]
        for each in handles:
            if each is not index:
                stack.callback(each.close)
        yield _Threads([call_of(each, batches=batches) for each in handles], k, time_)


class _Threads:
    def __init__(self, calls: Sequence[Call], k: int, time_: clock.Clock) -> None:
        self._calls, self._k, self._time = calls, k, time_

    def make_pass(self, parts: Sequence[Part]) -> list[Asked]:
        take = itertools.count().__next__
        if len(parts) == 1:
            return [ask_part(self._calls[0], parts[0], self._k, take, self._soon(), self._time)]
        done: list[Asked | BaseException | None] = [None] * len(parts)
        starts: list[int] = []
        barrier = threading.Barrier(len(parts), lambda: starts.append(self._soon()))

        def work(number: int, part: Part) -> None:
            try:
                barrier.wait()
                done[number] = ask_part(
                    self._calls[number], part, self._k, take, starts[0], self._time
                )
            # Whatever an adapter raises belongs to the thread that waits for this one.
            except BaseException as error:
                done[number] = error

        threads = [
            threading.Thread(target=work, args=(number, part), daemon=True)
            for number, part in enumerate(parts)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        found = []
        for each_done in done:
            if isinstance(each_done, BaseException):
                raise each_done
            assert each_done is not None
            found.append(each_done)
        return found

    def _soon(self) -> int:
        return self._time.wall() + _SOON_NS


class Order(NamedTuple):
    """What a client in a process of its own needs to know."""

    adapter: str
    server: Any
    setting: Params
    k: int
    batches: bool
    sys_path: list[str]
    filter: Filter | None = None


@contextlib.contextmanager
def as_processes(order: Order, count: int) -> Iterator[Clients]:
    """Clients that are processes, each connected to the same service.

    Raises
    ------
    AnswerError
        A client cannot connect, or what it is to connect to cannot be sent to it.
    """
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    started = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, order, counter), daemon=True)
            try:
                process.start()
            except (TypeError, AttributeError, ValueError) as error:
                raise AnswerError(
                    f"server() returned {type(order.server).__name__}, which cannot be sent to "
                    f"another process ({error})",
                    "return plain values, such as an address and a name",
                ) from None
            theirs.close()
            started.append((process, ours))
        processes = _Processes([ours for _, ours in started], counter)
        processes.receive("connect")
        yield processes
    finally:
        for process, ours in started:
            ours.close()
            process.join(timeout=1.0)
            process.kill()
            process.join()


class _Processes:
    def __init__(self, pipes: Sequence[Connection], counter: Any) -> None:
        self._pipes, self._counter = pipes, counter

    def receive(self, doing: str) -> list[Any]:
        """What each client has to say; AnswerError when one failed, or is gone."""
        found = []
        for pipe in self._pipes:
            try:
                said = pipe.recv()
            except EOFError:
                raise AnswerError(f"a client's process ended (in {doing})") from None
            if isinstance(said, str):
                raise AnswerError(f"a client: {said} (in {doing})")
            found.append(said)
        return found

    def make_pass(self, parts: Sequence[Part]) -> list[Asked]:
        self._counter.value = 0
        for pipe, part in zip(self._pipes, parts, strict=True):
            pipe.send(part)
        self.receive("search")
        start = clock.SYSTEM.wall() + _SOON_NS
        for pipe in self._pipes:
            pipe.send(start)
        return self.receive("search")


def _serve(pipe: Connection, order: Order, counter: Any) -> None:
    """Connect, then make passes until the other side closes."""

    def take() -> int:
        with counter.get_lock():
            counter.value += 1
            return int(counter.value) - 1

    sys.path[:] = order.sys_path
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            index = resolve(order.adapter).connect(order.server)
            index.set(**order.setting)
            if order.filter is not None:
                index.allow(order.filter)
            call = call_of(index, batches=order.batches)
            pipe.send(())
            while True:
                part = pipe.recv()
                pipe.send(())
                start = pipe.recv()
                with clock.without_gc():
                    cpu = clock.SYSTEM.cpu()
                    done = ask_part(call, part, order.k, take, start, clock.SYSTEM)
                    cpu = clock.SYSTEM.cpu() - cpu
                pipe.send(done._replace(cpu_ns=cpu))
        except (EOFError, BrokenPipeError):
            index.close()
        # Whatever an adapter raises is told to the side that waits.
        except BaseException as error:
            pipe.send(f"raised {describe_error(error)}")


def call_of(index: Index, *, batches: bool) -> Call:
    """The call that is timed."""
    return index.search if batches else index.search_one
