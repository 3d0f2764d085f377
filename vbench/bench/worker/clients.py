"""Clients that ask at the same time: forked from the worker, threads of it, or connected to it."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vbench._document import Params
from vbench._process.forks import start_from_new_thread
from vbench._process.text import reason_of, signal_name, trace_of
from vbench.bench.worker import clock
from vbench.bench.worker.loop import SOON_NS, Asked, Call, Part, ask_part
from vbench.indexes.answers import AnswerError
from vbench.indexes.handles import handles_of
from vbench.indexes.protocol import Filter, Index
from vbench.indexes.registry import resolve

_FIRST_ANSWER_SECONDS = 60.0
"""How long a client in a process of its own may take for its first query."""
_END_SECONDS = 1.0


class Clients(Protocol):
    """Clients that make passes together."""

    def make_pass(self, parts: Sequence[Part]) -> list[Asked]:
        """Let each client ask its part, all from the same moment on."""


class Asking(NamedTuple):
    """What clients ask for; `warm` (w, d) are asked first by those in processes of their own."""

    k: int
    batch: int | None
    warm: NDArray[np.float32]


@contextlib.contextmanager
def as_threads(index: Index, asking: Asking, count: int, time_: clock.Clock) -> Iterator[Clients]:
    """Clients that are threads of this process, each with a handle where the class gives them."""
    with contextlib.ExitStack() as stack:
        handles = handles_of(index, count) if count > 1 else [index]
        for each in handles:
            if each is not index:
                stack.callback(each.close)
        yield _Threads(
            [_call_of(each, batches=asking.batch is not None) for each in handles], asking.k, time_
        )


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
        return self._time.wall() + SOON_NS


@contextlib.contextmanager
def as_forks(index: Index, asking: Asking, count: int) -> Iterator[Clients]:
    """Clients that are forked copies of this process, and share the memory of the index with it.

    Raises
    ------
    AnswerError
        A copy does not answer.
    """

    def inherit() -> Index:
        # Not even to look for garbage is a page of it written to, and so copied.
        gc.freeze()
        return index

    with _as_processes("fork", inherit, asking, count) as clients:
        yield clients


class Order(NamedTuple):
    """What a client needs to know to connect."""

    adapter: str
    server: Any
    setting: Params
    sys_path: list[str]
    filter: Filter | None = None


@contextlib.contextmanager
def as_connected(order: Order, asking: Asking, count: int) -> Iterator[Clients]:
    """Clients that are processes, each connected to the same service.

    Raises
    ------
    AnswerError
        A client cannot connect, or what it is to connect to cannot be sent to it.
    """
    with _as_processes("spawn", functools.partial(_connect, order), asking, count) as clients:
        yield clients


def _connect(order: Order) -> Index:
    sys.path[:] = order.sys_path
    index = resolve(order.adapter).connect(order.server)
    index.set(**order.setting)
    if order.filter is not None:
        index.allow(order.filter)
    return index


@contextlib.contextmanager
def _as_processes(
    method: str, make: Callable[[], Index], asking: Asking, count: int
) -> Iterator[Clients]:
    context = multiprocessing.get_context(method)
    counter = context.Value("q", 0)
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            inherited = [ours, *(pipe for _, pipe in started)] if method == "fork" else []
            process = context.Process(  # type: ignore[attr-defined]
                target=_serve, args=(theirs, inherited, make, asking, counter), daemon=True
            )
            try:
                start_from_new_thread(process)
            except (TypeError, AttributeError, ValueError) as error:
                raise AnswerError(
                    f"server() returned what cannot be sent to another process ({error})",
                    "return plain values, such as an address and a name",
                ) from None
            theirs.close()
            started.append((process, ours))
        clients = _Processes(started, counter)
        clients.receive("its first query", _FIRST_ANSWER_SECONDS)
        yield clients
    finally:
        for _, ours in started:
            ours.close()
        for process, _ in started:
            process.join(timeout=_END_SECONDS)
            process.kill()
            process.join()


class _Failure(NamedTuple):
    reason: str
    trace: str


class _Processes:
    def __init__(self, started: Sequence[tuple[BaseProcess, Connection]], counter: Any) -> None:
        self._started, self._counter = started, counter

    def receive(self, doing: str, seconds: float | None = None) -> list[Any]:
        """What each client has to say; AnswerError when one failed, is gone, or says nothing."""
        found = []
        for process, pipe in self._started:
            if not pipe.poll(seconds):
                raise AnswerError(
                    f"a client did not answer within {seconds:g} s (in {doing})",
                    "where a forked copy of the process cannot search, say forks = False",
                )
            try:
                said = pipe.recv()
            except EOFError:
                process.join(_END_SECONDS)
                raise AnswerError(f"a client {_ending(process.exitcode)} (in {doing})") from None
            if isinstance(said, _Failure):
                error = AnswerError(f"a client: {said.reason} (in {doing})")
                error.add_note(said.trace)
                raise error
            found.append(said)
        return found

    def make_pass(self, parts: Sequence[Part]) -> list[Asked]:
        self._counter.value = 0
        self._send(parts)
        self.receive("search")
        self._send([clock.SYSTEM.wall() + SOON_NS] * len(parts))
        return self.receive("search")

    def _send(self, things: Sequence[Any]) -> None:
        for (_, pipe), thing in zip(self._started, things, strict=True):
            # Of one that is gone, `receive` says why.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                pipe.send(thing)


def _ending(exitcode: int | None) -> str:
    if exitcode is None:
        return "closed its connection"
    if exitcode < 0:
        return f"was killed by {signal_name(-exitcode)}"
    return f"ended with exit code {exitcode}"


def _serve(
    pipe: Connection,
    inherited: Sequence[Connection],
    make: Callable[[], Index],
    asking: Asking,
    counter: Any,
) -> None:
    """Take an index, then make passes until the other side closes."""

    def take() -> int:
        with counter.get_lock():
            counter.value += 1
            return int(counter.value) - 1

    # Else the other side's end would never be closed.
    for each in inherited:
        each.close()
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            index = make()
            call = _call_of(index, batches=asking.batch is not None)
            # As it will be asked: of some libraries batches alone need threads that are not forked.
            first = asking.warm[: asking.batch or 1]
            _warm_up(call, [first] if asking.batch else first, asking.k)
            pipe.send(())
            _warm_up(index.search_one, asking.warm[1:], asking.k)
            while True:
                part = pipe.recv()
                part = part._replace(queries=np.array(part.queries))
                part.queries.flags.writeable = index.writes
                with clock.unchanged(part.queries), clock.without_gc():
                    pipe.send(())
                    start = pipe.recv()
                    cpu = clock.SYSTEM.cpu()
                    done = ask_part(call, part, asking.k, take, start, clock.SYSTEM)
                    cpu = clock.SYSTEM.cpu() - cpu
                pipe.send(done._replace(cpu_ns=cpu))
        except (EOFError, BrokenPipeError):
            # What was inherited belongs to the other side.
            if not inherited:
                index.close()
        # Whatever an adapter raises is told to the side that waits.
        except BaseException as error:
            pipe.send(
                _Failure(reason_of(error, bare=isinstance(error, AnswerError)), trace_of(error))
            )


def _warm_up(call: Call, queries: Iterable[NDArray[np.float32]], k: int) -> None:
    # An index that answers the queries and nothing else, from stored answers say, is one too.
    with contextlib.suppress(Exception):
        for query in queries:
            call(query, k)


def _call_of(index: Index, *, batches: bool) -> Call:
    """The call that is timed."""
    return index.search if batches else index.search_one
